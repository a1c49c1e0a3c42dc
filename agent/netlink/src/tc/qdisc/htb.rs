//! `htb`: a tree of classes that lend each other what they do not use. This is the root; see [`HtbClass`](crate::tc::class::HtbClass).

use crate::tc::fixed::Fields;
use crate::tc::fixed::words;
use crate::wire::Attributes;
use crate::wire::Malformed;
use crate::wire::Writer;

/// `TCA_HTB_*`
mod number {
    pub(super) const INIT: u16 = 2;
    pub(super) const DIRECT_QLEN: u16 = 5;
    pub(super) const OFFLOAD: u16 = 9;
    /// `TC_HTB_PROTOVER`. The kernel wants this and shows more than this.
    pub(super) const VERSION: u32 = 3;
}

/// The root of a tree. The kernel has no way to change it (net/sched/sch_htb.c has no `change`): another one is made anew, with all
/// its classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Htb {
    /// Minor of the class of what no filter classifies; 0 for none: then it goes out unshaped.
    pub default: u32,
    /// By what the rate of a class, in bytes per second, is divided for its quantum if that is not given.
    pub r2q: u32,
    /// Most packets that wait to go out unshaped. None for the interface's txqueuelen at the time.
    pub direct_qlen: Option<u32>,
    /// Whether the device does it all.
    pub offload: bool,
}

impl Default for Htb {
    fn default() -> Htb {
        Htb { default: 0, r2q: 10, direct_qlen: None, offload: false }
    }
}

impl Htb {
    pub(super) fn read(attributes: Attributes<'_>) -> Result<Htb, Malformed> {
        let (mut init, mut direct_qlen, mut offload) = (None, None, false);
        for attribute in attributes {
            let attribute = attribute?;
            match attribute.kind {
                number::INIT => {
                    let mut fields = Fields::of(&attribute, "struct tc_htb_glob");
                    let _version = fields.u32()?;
                    init = Some((fields.u32()?, fields.u32()?));
                }
                number::DIRECT_QLEN => direct_qlen = Some(attribute.u32()?),
                number::OFFLOAD => offload = true,
                _ => (),
            }
        }
        let (r2q, default) = init.ok_or(Malformed::Missing { what: "TCA_HTB_INIT" })?;
        Ok(Htb { default, r2q, direct_qlen, offload })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let Htb { default, r2q, direct_qlen, offload } = self;
        writer.attribute(number::INIT, &words(&[number::VERSION, *r2q, *default, 0, 0]));
        if let Some(direct_qlen) = direct_qlen {
            writer.u32(number::DIRECT_QLEN, *direct_qlen);
        }
        if *offload {
            writer.flag(number::OFFLOAD);
        }
    }

    /// Names of what was asked for and is not what is shown here.
    #[must_use]
    pub fn differs(&self, asked: &Htb) -> Vec<&'static str> {
        let Htb { default, r2q, direct_qlen, offload } = asked;
        super::those_that_are_not(&[
            ("default", *default == self.default),
            // The kernel takes 0 for 1.
            ("r2q", (*r2q).max(1) == self.r2q),
            ("direct_qlen", direct_qlen.is_none() || *direct_qlen == self.direct_qlen),
            ("offload", *offload == self.offload),
        ])
    }
}
