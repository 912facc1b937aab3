//! The binary and the library through their doors, in one target.
