//! How does a file become whole lines? Plain or gzip by its first bytes, in chunks that end where a record ends.
//!
//! Nothing longer than [`RECORD_BYTES_MAX`] is ever held for one record: a longer line is passed over and rejected,
//! and the next line is read. In delimited files a quoted cell may contain line breaks; a quote that is never closed
//! costs its own line only.
//!
//! ```text
//!   file ─→ gunzip? ─→ buffer │ whole records …│ rest │     →  chunk { first line, bytes }, the rest stays
//! ```

use std::fs::File;
use std::io::{self, BufRead, Chain, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::SourceError;
use crate::event::{RECORD_BYTES_MAX, Reason};

/// A chunk is about this long; one line may make it longer.
const CHUNK_BYTES: usize = 256 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whole records of one file.
#[derive(Debug)]
pub(super) struct Chunk {
    /// The line, counted from 1, at which it begins.
    pub first_line: u64,
    /// Where it begins and ends is where a record does.
    pub bytes: Vec<u8>,
}

/// How a cell may contain line breaks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quoting {
    /// What stands between two cells.
    pub delimiter: u8,
    /// What surrounds a cell.
    pub quote: u8,
}

/// Reads a file chunk by chunk.
pub(super) struct Lines {
    read: Input,
    quoting: Option<Quoting>,
    buffer: Vec<u8>,
    /// The line at which the buffer begins.
    line: u64,
    begun: bool,
    end: End,
    /// Bytes read so far, unpacked.
    bytes: u64,
    /// Records that were passed over.
    rejects: Vec<(u64, Reason)>,
}

/// Whether the file has been read.
#[derive(Debug)]
enum End {
    Ahead,
    Reached,
    /// It breaks off; the line that was not whole is lost.
    Broken(String),
}

enum Input {
    Plain(Head),
    Gzip(Box<MultiGzDecoder<Head>>),
}

type Head = Chain<Cursor<Vec<u8>>, Counted>;

/// Counts what is read of the file as it lies on disk.
struct Counted {
    file: Box<dyn Read>,
    bytes: u64,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

impl Lines {
    /// Opens a file, or standard input for `-`.
    pub fn open(path: &Path, quoting: Option<Quoting>) -> Result<Lines, SourceError> {
        let failed = |error| SourceError::Open { path: path.to_owned(), error };
        let file: Box<dyn Read> = match path.to_str() {
            Some("-") => Box::new(io::stdin().lock()),
            _ => Box::new(File::open(path).map_err(failed)?),
        };
        Lines::new(file, quoting).map_err(failed)
    }

    fn new(file: Box<dyn Read>, quoting: Option<Quoting>) -> io::Result<Lines> {
        let mut file = Counted { file, bytes: 0 };
        let mut start = Vec::new();
        (&mut file).take(2).read_to_end(&mut start)?;
        let gzip = start == [0x1f, 0x8b];
        let head = Cursor::new(start).chain(file);
        Ok(Lines {
            read: if gzip { Input::Gzip(Box::new(MultiGzDecoder::new(head))) } else { Input::Plain(head) },
            quoting,
            buffer: Vec::new(),
            line: 1,
            begun: false,
            end: End::Ahead,
            bytes: 0,
            rejects: Vec::new(),
        })
    }

    /// Bytes read of the file as it lies on disk.
    pub fn bytes_on_disk(&self) -> u64 {
        match &self.read {
            Input::Plain(head) => head.get_ref().1.bytes,
            Input::Gzip(gzip) => gzip.get_ref().get_ref().1.bytes,
        }
    }

    /// Bytes read, unpacked.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The line reached.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The records passed over since it was last asked.
    pub fn take_rejects(&mut self) -> Vec<(u64, Reason)> {
        std::mem::take(&mut self.rejects)
    }

    /// The next whole records; nothing at the end.
    pub fn next(&mut self) -> io::Result<Option<Chunk>> {
        let mut wanted = CHUNK_BYTES;
        loop {
            self.fill(wanted)?;
            let whole = self.whole();
            if whole > 0 {
                return Ok(Some(self.cut(whole)));
            }
            if let End::Broken(why) = &self.end {
                self.rejects.push((self.line, Reason::Truncated(why.clone())));
                (self.end, _) = (End::Reached, self.buffer.clear());
            }
            let at_end = matches!(self.end, End::Reached);
            if at_end && self.buffer.is_empty() {
                return Ok(None);
            }
            if at_end || self.buffer.len() > RECORD_BYTES_MAX {
                self.pass_over()?;
                wanted = CHUNK_BYTES;
            } else {
                wanted = self.buffer.len() + CHUNK_BYTES;
            }
        }
    }

    /// Reads until the buffer holds `wanted` bytes or the file ends.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        while self.buffer.len() < wanted && matches!(self.end, End::Ahead) {
            let before = self.buffer.len();
            self.buffer.resize(wanted.max(before + 1), 0);
            let read = match &mut self.read {
                Input::Plain(plain) => plain.read(&mut self.buffer[before..]),
                Input::Gzip(gzip) => gzip.read(&mut self.buffer[before..]),
            };
            self.buffer.truncate(before + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => self.end = End::Reached,
                Ok(read) => self.bytes += read as u64,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if self.broken(&error) => self.break_off(&error),
                Err(error) => return Err(error),
            }
            if !self.begun && (self.buffer.len() >= BYTE_ORDER_MARK.len() || !matches!(self.end, End::Ahead))
            {
                self.begun = true;
                if self.buffer.starts_with(BYTE_ORDER_MARK) {
                    self.buffer.drain(..BYTE_ORDER_MARK.len());
                }
            }
        }
        Ok(())
    }

    /// Whether it is the compressed stream that is at fault, not the disk.
    fn broken(&self, error: &io::Error) -> bool {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        matches!(self.read, Input::Gzip(_))
            && matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
    }

    /// What cannot be unpacked ends the file. Behind a whole stream it takes nothing with it: tapes and careless
    /// uploads leave zeros or rubbish there, and `gzip` itself passes over them.
    fn break_off(&mut self, error: &io::Error) {
        let at_a_border = error.to_string() == "invalid gzip header";
        if at_a_border && self.bytes > 0 {
            let line = self.line + count_lines(&self.buffer);
            let what = "what follows the packed data is not gzip and was passed over";
            self.rejects.push((line, Reason::Truncated(what.into())));
            self.end = End::Reached;
        } else {
            self.end = End::Broken(format!("{error}; what was unpacked before is used, copy the file anew"));
        }
    }

    /// How many bytes of the buffer are whole records. At the end of the file the last needs no line break.
    fn whole(&self) -> usize {
        let lines = self.buffer.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let at_end = matches!(self.end, End::Reached);
        let Some(quoting) = self.quoting.filter(|quoting| self.buffer.contains(&quoting.quote)) else {
            return if at_end { self.buffer.len() } else { lines };
        };
        match whole_records(&self.buffer, quoting) {
            (_, false) if at_end => self.buffer.len(),
            (records, _) => records,
        }
    }

    fn cut(&mut self, len: usize) -> Chunk {
        let rest = self.buffer.split_off(len);
        let chunk = Chunk { first_line: self.line, bytes: std::mem::replace(&mut self.buffer, rest) };
        self.line += count_lines(&chunk.bytes);
        chunk
    }

    /// The record at the start of the buffer cannot be used: drops its first line, however long that is.
    fn pass_over(&mut self) -> io::Result<()> {
        let mut len = 0;
        loop {
            if let Some(at) = self.buffer.iter().position(|byte| *byte == b'\n') {
                len += at + 1;
                self.buffer.drain(..=at);
                break;
            }
            len += self.buffer.len();
            self.buffer.clear();
            if !matches!(self.end, End::Ahead) {
                break;
            }
            self.fill(CHUNK_BYTES)?;
        }
        let reason = match len > RECORD_BYTES_MAX {
            true => Reason::TooLarge(len as u64),
            false => Reason::Malformed("a quote is opened and never closed".into()),
        };
        self.rejects.push((self.line, reason));
        self.line += 1;
        Ok(())
    }
}

/// The next line with its line break, if it has one; nothing at the end.
pub(super) fn next_line<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let start = *rest;
    // Reading memory never fails. This way the search is the system's `memchr`.
    let len = rest.skip_until(b'\n').unwrap_or(start.len());
    (len > 0).then(|| &start[..len])
}

/// How many line breaks there are.
pub(super) fn count_lines(bytes: &[u8]) -> u64 {
    // Summed in bytes first: eight times as fast as a plain count.
    let count = |chunk: &[u8]| u64::from(chunk.iter().fold(0_u8, |sum, byte| sum + u8::from(*byte == b'\n')));
    bytes.chunks(255).map(count).sum()
}

/// How many bytes are whole records, and whether what follows is within quotes. As in the `csv` crate a quote opens
/// only at the start of a cell, and two quotes within one are a letter.
fn whole_records(bytes: &[u8], quoting: Quoting) -> (usize, bool) {
    let (mut whole, mut quoted, mut cell_start) = (0, false, true);
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        at += 1;
        if quoted {
            if byte == quoting.quote {
                if bytes.get(at) == Some(&quoting.quote) { at += 1 } else { quoted = false }
            }
        } else if byte == quoting.quote && cell_start {
            (quoted, cell_start) = (true, false);
        } else {
            cell_start = byte == quoting.delimiter || byte == b'\n' || byte == b'\r';
            if byte == b'\n' {
                whole = at;
            }
        }
    }
    (whole, quoted)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const CSV: Option<Quoting> = Some(Quoting { delimiter: b',', quote: b'"' });

    /// The lines as `number:text`, chunk after chunk, and the rejects as `number!code`.
    fn read(bytes: &[u8], quoting: Option<Quoting>) -> Vec<String> {
        let mut lines = Lines::new(Box::new(Cursor::new(bytes.to_vec())), quoting).expect("opened");
        let mut all = Vec::new();
        while let Some(chunk) = lines.next().expect("readable") {
            for (line, text) in (chunk.first_line..).zip(chunk.bytes.split(|byte| *byte == b'\n')) {
                let text = String::from_utf8_lossy(text);
                all.push(format!("{line}:{}", text.chars().take(9).collect::<String>()));
            }
            all.pop_if(|last| last.ends_with(':'));
        }
        all.extend(lines.take_rejects().iter().map(|(line, reason)| format!("{line}!{}", reason.code())));
        all
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(bytes).expect("written");
        gzip.finish().expect("written")
    }

    #[test]
    fn plain_and_packed_files_are_told_apart_by_their_first_bytes() {
        assert_eq!(read(b"a\nb\n", None), ["1:a", "2:b"]);
        assert_eq!(read(b"\xef\xbb\xbfa\r\n\nb", None), ["1:a\r", "2:", "3:b"]);
        assert_eq!(read(&gzip(b"\xef\xbb\xbfa\nb\n"), None), ["1:a", "2:b"]);
        assert_eq!(read(&[gzip(b"a\n"), gzip(b"b\n")].concat(), None), ["1:a", "2:b"]);
        assert_eq!(read(b"", None), Vec::<String>::new());
        assert_eq!(read(&gzip(b""), None), Vec::<String>::new());
        assert_eq!(read(b"\xef", None), ["1:\u{fffd}"]);
    }

    #[test]
    fn a_packed_file_that_breaks_off_is_used_up_to_there() {
        let text: String = (0..100_000_u64)
            .map(|n| format!("{:08}\n", n.wrapping_mul(2_654_435_761) % 99_999_989))
            .collect();
        let packed = gzip(text.as_bytes());
        let lines = read(&packed[..packed.len() / 2], None);
        let (last, before) = lines.split_last().expect("some");
        assert_eq!(*last, format!("{}!truncated", before.len() + 1));
        assert!(before.len() > 30_000, "{}", before.len());
        let whole = text.lines().zip(1..).take(before.len()).map(|(line, n)| format!("{n}:{line}"));
        assert!(whole.eq(before.iter().cloned()));
        let mut garbled = packed;
        let end = garbled.len() - 6;
        garbled[end] ^= 1;
        assert_eq!(read(&garbled, None).last().map(String::as_str), Some("100001!truncated"));
        for rubbish in [&b"rubbish that is no gzip"[..], &[0; 512]] {
            let packed = [&gzip(b"a\nb")[..], rubbish].concat();
            assert_eq!(read(&packed, None), ["1:a", "2:b", "2!truncated"], "what lies before is whole");
        }
    }

    #[test]
    fn a_line_that_is_too_long_costs_itself_only() {
        for len in [RECORD_BYTES_MAX + CHUNK_BYTES, 10 << 20] {
            let text = format!("a\n{}\nb\n", "x".repeat(len));
            assert_eq!(read(text.as_bytes(), None), ["1:a", "3:b", "2!too_large"]);
            let text = format!("a\n{}", "x".repeat(len));
            assert_eq!(read(text.as_bytes(), None), ["1:a", "2!too_large"]);
        }
        let text = format!("a\n{}\nb\n", "x".repeat(RECORD_BYTES_MAX));
        assert_eq!(read(text.as_bytes(), None), ["1:a", "2:xxxxxxxxx", "3:b"]);
    }

    #[test]
    fn quoted_cells_may_contain_line_breaks() {
        let cells = format!("a,\"b\n{}\nc\"\n", "x\n".repeat(100_000));
        let text = format!("h\n{cells}{cells}d\n");
        let mut lines = Lines::new(Box::new(Cursor::new(text.clone().into_bytes())), CSV).expect("opened");
        let mut back = Vec::new();
        while let Some(chunk) = lines.next().expect("readable") {
            assert_eq!(chunk.first_line, count_lines(&back) + 1);
            back.extend_from_slice(&chunk.bytes);
            assert!(!whole_records(&chunk.bytes, CSV.expect("given")).1);
        }
        assert!(back == text.as_bytes());
        assert_eq!(read(b"a\n\"b\nc\nd\n", CSV), ["1:a", "3:c", "4:d", "2!malformed"]);
        assert_eq!(read(b"a\n5\" b\nc\n", CSV), ["1:a", "2:5\" b", "3:c"]);
        let text = format!("a\n\"{}", "x\n".repeat(RECORD_BYTES_MAX));
        assert_eq!(read(text.as_bytes(), CSV).len(), RECORD_BYTES_MAX + 1);
    }
}
