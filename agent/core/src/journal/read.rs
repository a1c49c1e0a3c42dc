//! Parsing a record as it comes.
//!
//! A record is an object that says its type. serde's own way to read one keeps the whole of it in pieces until it has
//! met the type, which may stand anywhere; a journal is read by each command, and we write the type first.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;

use super::record::Begin;
use super::record::Held;
use super::record::Outcome;
use super::record::Record;
use crate::address::Address;
use crate::host::HostId;
use crate::value::Value;

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Record, D::Error> {
        deserializer.deserialize_map(TypeFirst)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Type {
    Opened,
    Holds,
    Left,
    Begin,
    Wrote,
    Awaiting,
    Done,
}

#[derive(Deserialize)]
struct Opened {
    version: u32,
    host: HostId,
}

#[derive(Deserialize)]
struct Holds {
    address: Address,
    held: Held,
    #[serde(default)]
    away: bool,
}

#[derive(Deserialize)]
struct Left {
    addresses: Vec<Address>,
}

#[derive(Deserialize)]
struct Wrote {
    id: String,
    found: Vec<(Address, Value)>,
}

#[derive(Deserialize)]
struct Awaiting {
    id: String,
    moved: Vec<(Address, Value)>,
}

#[derive(Deserialize)]
struct Done {
    id: String,
    outcome: Outcome,
}

struct TypeFirst;

impl<'de> Visitor<'de> for TypeFirst {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record, its type first")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        if map.next_key::<&str>()? != Some("type") {
            return Err(A::Error::custom("the type of the record does not come first"));
        }
        let kind = map.next_value()?;
        let rest = MapAccessDeserializer::new(map);
        Ok(match kind {
            Type::Opened => {
                let Opened { version, host } = Opened::deserialize(rest)?;
                Record::Opened { version, host }
            }
            Type::Holds => {
                let Holds { address, held, away } = Holds::deserialize(rest)?;
                Record::Holds { address, held, away }
            }
            Type::Left => {
                let Left { addresses } = Left::deserialize(rest)?;
                Record::Left { addresses }
            }
            Type::Begin => Record::Begin(Begin::deserialize(rest)?),
            Type::Wrote => {
                let Wrote { id, found } = Wrote::deserialize(rest)?;
                Record::Wrote { id, found }
            }
            Type::Awaiting => {
                let Awaiting { id, moved } = Awaiting::deserialize(rest)?;
                Record::Awaiting { id, moved }
            }
            Type::Done => {
                let Done { id, outcome } = Done::deserialize(rest)?;
                Record::Done { id, outcome }
            }
        })
    }
}
