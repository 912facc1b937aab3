//! How is a Rust file cut into tokens? Comments and literals are told apart from code, so that a rule about code
//! never trips over a sentence. Brackets are matched, and test code is marked.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An identifier, a keyword or a number.
    Word,
    /// `::`, or one character of punctuation.
    Mark,
    /// What stands between the quotes of a string or character.
    Literal,
}

/// A piece of code.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub line: usize,
}

/// A Rust file, cut up.
pub struct Source<'a> {
    pub path: &'a str,
    pub raw: &'a str,
    pub tokens: Vec<Token<'a>>,
    /// Line and text of every comment; of one that spans lines, each line.
    pub comments: Vec<(usize, &'a str)>,
    /// For every opening bracket the index of its closing one.
    closing: Vec<usize>,
    /// Token ranges that are compiled for tests only.
    tests: Vec<(usize, usize)>,
    /// Token ranges of the modules written out in this file, and their names.
    modules: Vec<(usize, usize, &'a str)>,
    /// The whole file is compiled for tests only.
    pub is_test: bool,
}

impl<'a> Source<'a> {
    pub fn new(path: &'a str, raw: &'a str) -> Source<'a> {
        let Lexer { tokens, comments, .. } = Lexer::run(raw);
        let closing = closing(&tokens);
        let (tests, modules) = Default::default();
        let mut source = Source { path, raw, tokens, comments, closing, tests, modules, is_test: false };
        source.tests = source.find_tests();
        source.modules = source.find_modules();
        source
    }

    /// Whether the token at `at` is this mark or word, not a literal that looks like it.
    pub fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind != Kind::Literal && token.text == text)
    }

    /// The word at `at`, if it is one.
    pub fn word(&self, at: usize) -> Option<&'a str> {
        self.tokens.get(at).filter(|token| token.kind == Kind::Word).map(|token| token.text)
    }

    /// Where the bracket opened at `at` is closed.
    pub fn close(&self, at: usize) -> usize {
        self.closing[at]
    }

    /// Whether the token at `at` is compiled for tests only.
    pub fn in_test(&self, at: usize) -> bool {
        self.is_test || self.tests.iter().any(|&(from, to)| (from..=to).contains(&at))
    }

    /// Lines that are not compiled for tests only.
    pub fn lines_outside_tests(&self) -> usize {
        let all = if self.is_test { 0 } else { self.raw.lines().count() };
        let tests = self.tests.iter().map(|&(from, to)| self.tokens[to].line - self.tokens[from].line + 1);
        all.saturating_sub(tests.sum())
    }

    /// The last token of the item that begins at `at`, its attributes before it passed over.
    pub fn item_end(&self, mut at: usize) -> usize {
        while self.is(at, "#") && self.is(at + 1, "[") {
            at = self.close(at + 1) + 1;
        }
        let ends = |at| self.is(at, ";") || self.is(at, "{") || self.is(at, "}");
        while at < self.tokens.len() && !ends(at) {
            at = if self.is(at, "(") || self.is(at, "[") { self.close(at) + 1 } else { at + 1 };
        }
        let end = if self.is(at, "{") { self.close(at) } else { at };
        end.min(self.tokens.len() - 1)
    }

    /// The names of the modules written out in this file around the token at `at`, outermost first.
    pub fn modules_around(&self, at: usize) -> impl Iterator<Item = &'a str> {
        self.modules.iter().filter(move |(from, to, _)| (from..=to).contains(&&at)).map(|(_, _, name)| *name)
    }

    fn find_modules(&self) -> Vec<(usize, usize, &'a str)> {
        let opens = |at: &usize| self.is(*at, "mod") && self.is(at + 2, "{");
        let module = |at: usize| Some((at, self.close(at + 2), self.word(at + 1)?));
        (0..self.tokens.len()).filter(opens).filter_map(module).collect()
    }

    fn find_tests(&self) -> Vec<(usize, usize)> {
        let mut tests: Vec<(usize, usize)> = Vec::new();
        for at in 0..self.tokens.len() {
            let is_cfg = self.is(at, "#") && self.is(at + 1, "[") && self.is(at + 2, "cfg");
            if !is_cfg || tests.last().is_some_and(|&(_, to)| to > at) {
                continue;
            }
            let inside = at + 3..self.close(at + 1);
            let says = |word| inside.clone().any(|i| self.is(i, word));
            if says("test") && !says("not") {
                tests.push((at, self.item_end(at)));
            }
        }
        tests
    }
}

fn closing(tokens: &[Token]) -> Vec<usize> {
    // A bracket that is never closed ends with the file; the compiler will have said so.
    let mut closing = vec![tokens.len().saturating_sub(1); tokens.len()];
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Mark) {
        match token.text {
            "(" | "[" | "{" => open.push(at),
            ")" | "]" | "}" => {
                if let Some(from) = open.pop() {
                    closing[from] = at;
                }
            }
            _ => {}
        }
    }
    closing
}

struct Lexer<'a> {
    raw: &'a str,
    at: usize,
    line: usize,
    tokens: Vec<Token<'a>>,
    comments: Vec<(usize, &'a str)>,
}

impl<'a> Lexer<'a> {
    fn run(raw: &'a str) -> Lexer<'a> {
        let mut lexer = Lexer { raw, at: 0, line: 1, tokens: Vec::new(), comments: Vec::new() };
        while let Some(next) = lexer.rest().chars().next() {
            lexer.step(next);
        }
        lexer
    }

    fn rest(&self) -> &'a str {
        &self.raw[self.at..]
    }

    fn step(&mut self, next: char) {
        let rest = self.rest();
        if next.is_whitespace() {
            self.skip(next.len_utf8());
        } else if rest.starts_with("//") {
            self.comment(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.comment(block_comment(rest));
        } else if next == '"' {
            self.literal(1, quoted(rest, '"'), 1);
        } else if let Some((head, hashes)) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let length = rest[head..].find(&end).map_or(rest.len(), |found| head + found + end.len());
            self.literal(head, length, end.len());
        } else if next == '\'' {
            self.quote(rest);
        } else if next.is_alphanumeric() || next == '_' {
            self.word(rest);
        } else {
            let length = if rest.starts_with("::") { 2 } else { next.len_utf8() };
            self.token(Kind::Mark, &rest[..length], length);
        }
    }

    /// A word, or the prefix of a byte or C string, which is dropped.
    fn word(&mut self, rest: &'a str) {
        let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        match (&rest[..length], rest[length..].chars().next()) {
            ("b" | "c", Some('"')) | ("b", Some('\'')) => self.skip(length),
            // A raw identifier: the hash is dropped with the prefix.
            ("r", Some('#')) => self.skip(length + 1),
            (word, _) => self.token(Kind::Word, word, length),
        }
    }

    /// A character, or a lifetime, which is dropped.
    fn quote(&mut self, rest: &'a str) {
        let mut ahead = rest.chars().skip(1);
        match (ahead.next(), ahead.next()) {
            (Some('\\'), _) | (Some(_), Some('\'')) => self.literal(1, quoted(rest, '\''), 1),
            _ => {
                let name = rest[1..].find(|c: char| !c.is_alphanumeric() && c != '_');
                self.skip(1 + name.unwrap_or(rest.len() - 1));
            }
        }
    }

    fn comment(&mut self, length: usize) {
        let text = &self.rest()[..length];
        self.comments.extend((self.line..).zip(text.lines()));
        self.skip(length);
    }

    /// A literal of `length` bytes, of which `head` and `tail` are its quotes.
    fn literal(&mut self, head: usize, length: usize, tail: usize) {
        let text = self.rest().get(head..length.saturating_sub(tail)).unwrap_or_default();
        self.token(Kind::Literal, text, length);
    }

    fn token(&mut self, kind: Kind, text: &'a str, length: usize) {
        self.tokens.push(Token { kind, text, line: self.line });
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        self.line += self.rest()[..length].matches('\n').count();
        self.at += length;
    }
}

/// The length of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let opens = rest[at..].starts_with("/*");
        let closes = rest[at..].starts_with("*/");
        match (opens, closes) {
            (true, _) => depth += 1,
            (_, true) if depth == 1 => return at + 2,
            (_, true) => depth -= 1,
            _ => {}
        }
        at += if opens || closes { 2 } else { rest[at..].chars().next().map_or(1, char::len_utf8) };
    }
    rest.len()
}

/// The length of what begins with `quote` and ends with the next one that is not escaped.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a raw string's opening and the number of its hashes, if `rest` begins with one.
fn raw_string(rest: &str) -> Option<(usize, usize)> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| {
        rest.strip_prefix(prefix).is_some_and(|rest| rest.trim_start_matches('#').starts_with('"'))
    })?;
    let hashes = rest[prefix.len()..].chars().take_while(|c| *c == '#').count();
    Some((prefix.len() + hashes + 1, hashes))
}
