//! Reads the part of Python's pickle format that holds data alone. Whatever could name, import or
//! call something is refused; nothing is ever executed.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};

/// Values that may be built, so that references within a pickle cannot multiply without end.
const MAX_VALUES: usize = 1_000_000;

/// The deepest nesting.
const MAX_DEPTH: usize = 64;

/// The data of a pickle; `None` if it holds anything else or is malformed.
pub(super) fn read(bytes: &[u8]) -> Option<Value> {
    let mut machine = Machine {
        input: bytes,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        left: MAX_VALUES,
    };
    loop {
        let [opcode] = machine.take::<1>()?;
        if opcode == b'.' {
            let (result, _) = machine.stack.pop()?;
            return machine.stack.is_empty().then_some(result);
        }
        machine.step(opcode)?;
    }
}

type Deep = (Value, usize);

struct Machine<'a> {
    input: &'a [u8],
    /// Values with how deep they nest.
    stack: Vec<Deep>,
    marks: Vec<usize>,
    memo: HashMap<u32, Option<Value>>,
    left: usize,
}

impl Machine<'_> {
    fn step(&mut self, opcode: u8) -> Option<()> {
        match opcode {
            // Protocol and frame say how to read on; we read the same way always.
            0x80 => self.take::<1>().map(drop),
            0x95 => self.take::<8>().map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                Some(())
            }
            b'N' => self.push(Value::Null),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' => self
                .take()
                .and_then(|[byte]: [u8; 1]| self.push(byte.into())),
            b'M' => self
                .take()
                .and_then(|it| self.push(u16::from_le_bytes(it).into())),
            b'J' => self
                .take()
                .and_then(|it| self.push(i32::from_le_bytes(it).into())),
            0x8a => self.long(),
            b'G' => {
                let double = f64::from_be_bytes(self.take()?);
                self.push(Value::Number(Number::from_f64(double)?))
            }
            0x8c => self.take().and_then(|it: [u8; 1]| self.text(it[0].into())),
            b'X' => self
                .take()
                .and_then(|it| self.text(u32::from_le_bytes(it).into())),
            0x8d => self.take().and_then(|it| self.text(u64::from_le_bytes(it))),
            b'}' => self.push(Value::Object(Map::new())),
            b']' | b')' => self.push(Value::Array(Vec::new())),
            b'a' => {
                let item = self.stack.pop()?;
                self.append(vec![item])
            }
            b'e' => {
                let items = self.since_mark()?;
                self.append(items)
            }
            b's' => {
                let at = self.stack.len().checked_sub(2)?;
                let pair = self.stack.split_off(at);
                self.set(pair)
            }
            b'u' => {
                let pairs = self.since_mark()?;
                self.set(pairs)
            }
            b't' => {
                let items = self.since_mark()?;
                self.tuple(items)
            }
            0x85..=0x87 => {
                let count = usize::from(opcode - 0x84);
                let at = self.stack.len().checked_sub(count)?;
                let items = self.stack.split_off(at);
                self.tuple(items)
            }
            0x94 => self.remember(u32::try_from(self.memo.len()).ok()?),
            b'q' => self
                .take()
                .and_then(|it: [u8; 1]| self.remember(it[0].into())),
            b'r' => self
                .take()
                .and_then(|it| self.remember(u32::from_le_bytes(it))),
            b'h' => self
                .take()
                .and_then(|it: [u8; 1]| self.recall(it[0].into())),
            b'j' => self
                .take()
                .and_then(|it| self.recall(u32::from_le_bytes(it))),
            // GLOBAL, REDUCE, BUILD, INST, OBJ, persistent ids, and all that is unknown.
            _ => None,
        }
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.input.split_first_chunk()?;
        self.input = rest;
        Some(*bytes)
    }

    fn push(&mut self, value: Value) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        self.stack.push((value, 0));
        Some(())
    }

    fn tuple(&mut self, items: Vec<Deep>) -> Option<()> {
        self.push(Value::Array(Vec::new()))?;
        self.append(items)
    }

    fn text(&mut self, length: u64) -> Option<()> {
        let length = usize::try_from(length).ok()?;
        let (text, rest) = self.input.split_at_checked(length)?;
        self.input = rest;
        let text = std::str::from_utf8(text).ok()?;
        self.push(Value::String(text.to_owned()))
    }

    /// An integer of up to eight bytes, in little endian.
    fn long(&mut self) -> Option<()> {
        let [length] = self.take::<1>()?;
        let (bytes, rest) = self.input.split_at_checked(length.into())?;
        self.input = rest;
        let sign = bytes
            .last()
            .map_or(0, |last| if last & 0x80 == 0 { 0 } else { 0xff });
        let mut whole = [sign; 8];
        whole.get_mut(..bytes.len())?.copy_from_slice(bytes);
        self.push(i64::from_le_bytes(whole).into())
    }

    fn since_mark(&mut self) -> Option<Vec<Deep>> {
        let mark = self.marks.pop()?;
        (mark <= self.stack.len()).then(|| self.stack.split_off(mark))
    }

    fn append(&mut self, items: Vec<Deep>) -> Option<()> {
        let (list, depth) = self.stack.last_mut()?;
        let list = list.as_array_mut()?;
        for (item, below) in items {
            *depth = (*depth).max(below + 1);
            list.push(item);
        }
        (*depth <= MAX_DEPTH).then_some(())
    }

    fn set(&mut self, pairs: Vec<Deep>) -> Option<()> {
        let (object, depth) = self.stack.last_mut()?;
        let object = object.as_object_mut()?;
        let mut pairs = pairs.into_iter();
        while let Some((name, _)) = pairs.next() {
            let Value::String(name) = name else {
                return None;
            };
            let (value, below) = pairs.next()?;
            *depth = (*depth).max(below + 1);
            object.insert(name, value);
        }
        (*depth <= MAX_DEPTH).then_some(())
    }

    /// Remembers texts and numbers. A list or an object that is used twice is not plain data, and
    /// could multiply without end.
    fn remember(&mut self, number: u32) -> Option<()> {
        let (value, _) = self.stack.last()?;
        let is_plain = !value.is_object() && !value.is_array();
        let remembered = is_plain.then(|| value.clone());
        self.memo.insert(number, remembered);
        Some(())
    }

    fn recall(&mut self, number: u32) -> Option<()> {
        let value = self.memo.get(&number)?.clone()?;
        self.push(value)
    }
}
