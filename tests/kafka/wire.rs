//! What only an operator asks of a broker: the two requests of Kafka's protocol that no client library has.
//!
//! Layouts: `DescribeProducersRequest.json` and `WriteTxnMarkersRequest.json` of Kafka 4, both "flexible" (KIP-482): a
//! length is one more than it says, as a varint, and an empty list of tags ends every structure.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long a broker may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
const DESCRIBE_PRODUCERS: (i16, i16) = (61, 0);
const WRITE_TXN_MARKERS: (i16, i16) = (27, 1);

/// A transaction that a partition has open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTransaction {
    pub topic: String,
    pub partition: i32,
    pub producer: i64,
    pub epoch: i16,
    pub first_offset: i64,
    coordinator_epoch: i32,
}

/// The transactions that these partitions have open. One that the broker does not know has none.
pub fn open_transactions(bootstrap: &str, topics: &[(&str, i32)]) -> io::Result<Vec<OpenTransaction>> {
    let mut request = Vec::new();
    put_length(&mut request, topics.len());
    for (topic, partitions) in topics {
        put_topic(&mut request, topic, 0..*partitions);
    }
    request.push(0);
    let answer = ask(bootstrap, DESCRIBE_PRODUCERS, &request)?;
    let mut answer = Answer(&answer);
    let _throttle_ms = answer.i32()?;
    let mut open = Vec::new();
    for _ in 0..answer.length()? {
        let topic = answer.text()?;
        for _ in 0..answer.length()? {
            let (partition, _error, _why) = (answer.i32()?, answer.i16()?, answer.text()?);
            for _ in 0..answer.length()? {
                let (producer, epoch) = (answer.i64()?, answer.i32()? as i16);
                let (_sequence, _last_ms) = (answer.i32()?, answer.i64()?);
                let (coordinator_epoch, first_offset) = (answer.i32()?, answer.i64()?);
                answer.tags()?;
                if first_offset >= 0 {
                    let topic = topic.clone();
                    open.push(OpenTransaction {
                        topic,
                        partition,
                        producer,
                        epoch,
                        first_offset,
                        coordinator_epoch,
                    });
                }
            }
            answer.tags()?;
        }
        answer.tags()?;
    }
    Ok(open)
}

/// Writes the marker that ends a transaction in one partition, as its coordinator should have.
pub fn write_marker(bootstrap: &str, open: &OpenTransaction, is_commit: bool) -> io::Result<()> {
    let mut request = Vec::new();
    put_length(&mut request, 1);
    request.extend(open.producer.to_be_bytes());
    request.extend(open.epoch.to_be_bytes());
    request.push(u8::from(is_commit));
    put_length(&mut request, 1);
    put_topic(&mut request, &open.topic, [open.partition].into_iter());
    request.extend(open.coordinator_epoch.max(0).to_be_bytes());
    request.extend([0, 0]);
    let answer = ask(bootstrap, WRITE_TXN_MARKERS, &request)?;
    let mut answer = Answer(&answer);
    let (_markers, _producer, _topics) = (answer.length()?, answer.i64()?, answer.length()?);
    let (_topic, _partitions, _partition) = (answer.text()?, answer.length()?, answer.i32()?);
    match answer.i16()? {
        0 => Ok(()),
        code => Err(io::Error::other(format!("no marker for {open:?}: Kafka's error {code}"))),
    }
}

fn put_length(to: &mut Vec<u8>, length: usize) {
    let mut left = length + 1;
    while left > 127 {
        to.push(left as u8 | 128);
        left >>= 7;
    }
    to.push(left as u8);
}

fn put_topic(to: &mut Vec<u8>, name: &str, partitions: impl ExactSizeIterator<Item = i32>) {
    put_length(to, name.len());
    to.extend(name.as_bytes());
    put_length(to, partitions.len());
    partitions.for_each(|partition| to.extend(partition.to_be_bytes()));
    to.push(0);
}

/// One request on a connection of its own; the body of its answer.
fn ask(bootstrap: &str, (api, version): (i16, i16), body: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(bootstrap)?;
    stream.set_read_timeout(Some(ANSWER))?;
    let correlation = 7_i32;
    let mut request = [api.to_be_bytes(), version.to_be_bytes()].concat();
    request.extend(correlation.to_be_bytes());
    // Nobody's name, and no tags.
    request.extend((-1_i16).to_be_bytes());
    request.push(0);
    request.extend(body);
    stream.write_all(&(request.len() as u32).to_be_bytes())?;
    stream.write_all(&request)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer)?;
    // Before the body: the number of the request, and no tags.
    Ok(answer.split_off(5))
}

/// What is left of an answer.
struct Answer<'a>(&'a [u8]);

impl Answer<'_> {
    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(io::ErrorKind::UnexpectedEof)?;
        self.0 = rest;
        Ok(*head)
    }

    fn i16(&mut self) -> io::Result<i16> {
        self.take().map(i16::from_be_bytes)
    }

    fn i32(&mut self) -> io::Result<i32> {
        self.take().map(i32::from_be_bytes)
    }

    fn i64(&mut self) -> io::Result<i64> {
        self.take().map(i64::from_be_bytes)
    }

    /// Of a list or a text; what is not there has none.
    fn length(&mut self) -> io::Result<usize> {
        let (mut length, mut shift) = (0, 0);
        loop {
            let [byte] = self.take()?;
            length |= usize::from(byte & 127) << shift;
            shift += 7;
            if byte < 128 {
                return Ok(length.saturating_sub(1));
            }
        }
    }

    fn text(&mut self) -> io::Result<String> {
        let length = self.length()?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).map_err(io::Error::other)
    }

    fn tags(&mut self) -> io::Result<()> {
        match self.take()? {
            [0] => Ok(()),
            [count] => Err(io::Error::other(format!("{count} tags that nobody asked for"))),
        }
    }
}
