//! How is a state laid down? In a frame with version and checksum, written from front to back in pieces: a state of many
//! millions of cases never lies in memory as bytes. The checksum comes last, and goes into the frame's head.

use std::io::{self, Seek, SeekFrom, Write};

use postcard::ser_flavors::Flavor;
use serde::Serialize;

const MAGIC: &[u8; 4] = b"WBCP";
/// The version of the frame that is written.
pub const VERSION: u16 = 1;
const HEADER_BYTES: usize = 4 + 2 + 4;
/// Where the checksum stands in the header.
const SUM_AT: usize = 4 + 2;
/// So much is written at once.
const PIECE_BYTES: usize = 1 << 20;

/// What is to be stored.
pub trait Body {
    /// Writes it on an empty sheet.
    fn write(&self, to: &mut dyn Sheet) -> io::Result<()>;
}

/// What a body is written on.
pub trait Sheet: Write + Seek {}

impl<T: Write + Seek> Sheet for T {}

/// Bytes that are stored as they are.
impl Body for Vec<u8> {
    fn write(&self, to: &mut dyn Sheet) -> io::Result<()> {
        to.write_all(self)
    }
}

/// Something that is stored in a frame.
pub struct Framed<'a, T>(pub &'a T);

impl<T: Serialize> Body for Framed<'_, T> {
    fn write(&self, to: &mut dyn Sheet) -> io::Result<()> {
        let mut header = [0; HEADER_BYTES];
        header[..4].copy_from_slice(MAGIC);
        header[4..SUM_AT].copy_from_slice(&VERSION.to_le_bytes());
        to.write_all(&header)?;
        let mut pieces = Pieces { to, piece: Vec::with_capacity(PIECE_BYTES), sum: 0, failed: None };
        if let Err(error) = postcard::serialize_with_flavor(self.0, &mut pieces) {
            return Err(pieces.failed.unwrap_or_else(|| io::Error::other(error)));
        }
        let sum = pieces.sum;
        to.seek(SeekFrom::Start(SUM_AT as u64))?;
        to.write_all(&sum.to_le_bytes())
    }
}

/// All bytes of a body.
pub fn bytes_of(body: &dyn Body) -> Vec<u8> {
    let mut sheet = io::Cursor::new(Vec::new());
    body.write(&mut sheet).expect("memory can be written");
    sheet.into_inner()
}

/// Gathers bytes, sums them up and passes them on.
struct Pieces<'a> {
    to: &'a mut dyn Sheet,
    piece: Vec<u8>,
    sum: u32,
    failed: Option<io::Error>,
}

impl Pieces<'_> {
    fn pass_on(&mut self) -> postcard::Result<()> {
        self.sum = crc32c::crc32c_append(self.sum, &self.piece);
        let written = self.to.write_all(&self.piece);
        self.piece.clear();
        written.map_err(|error| {
            self.failed = Some(error);
            postcard::Error::SerializeBufferFull
        })
    }
}

impl Flavor for &mut Pieces<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.piece.push(byte);
        if self.piece.len() >= PIECE_BYTES { self.pass_on() } else { Ok(()) }
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        if self.piece.len() + bytes.len() > PIECE_BYTES {
            self.pass_on()?;
        }
        self.piece.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        self.pass_on()
    }
}

/// The bytes in a frame; what is wrong with it otherwise.
pub fn unseal(bytes: &[u8]) -> Result<&[u8], String> {
    let Some((header, body)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(format!("{} bytes are less than its header", bytes.len()));
    };
    if &header[..4] != MAGIC {
        return Err("it does not begin with WBCP".into());
    }
    let version = u16::from_le_bytes([header[4], header[5]]);
    if version != VERSION {
        return Err(format!("it has version {version}, this program reads {VERSION}"));
    }
    let sum = u32::from_le_bytes([header[6], header[7], header[8], header[9]]);
    if crc32c::crc32c(body) != sum {
        return Err("its checksum does not fit: it was cut short or changed".into());
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_of_many_pieces_is_one() {
        let parts: Vec<Vec<u8>> = (0..2_000u32).map(|n| n.to_le_bytes().repeat(n as usize % 700)).collect();
        let bytes = bytes_of(&Framed(&parts));
        assert!(bytes.len() > 2 * PIECE_BYTES);
        assert_eq!(postcard::from_bytes(unseal(&bytes).expect("whole")), Ok(parts));
    }

    /// A disk that is full after so many bytes.
    struct Full(usize, io::Cursor<Vec<u8>>);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.1.flush()
        }
    }

    impl Seek for Full {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.1.seek(to)
        }
    }

    #[test]
    fn what_the_disk_says_is_passed_on() {
        let parts = vec![0u8; 3 * PIECE_BYTES];
        for room in [0, HEADER_BYTES, PIECE_BYTES] {
            let mut sheet = Full(room, io::Cursor::default());
            let error = Framed(&parts).write(&mut sheet).expect_err("full");
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{room}");
        }
    }
}
