//! Numbers of include/uapi/linux/netfilter/nf_tables.h and nfnetlink.h.

use crate::netfilter::header;

/// `NFNL_SUBSYS_NFTABLES`
pub(super) const SUBSYSTEM: u8 = 10;

/// `NFNL_MSG_BATCH_BEGIN`
pub(super) const BATCH_BEGIN: u16 = 16;
/// `NFNL_MSG_BATCH_END`
pub(super) const BATCH_END: u16 = 17;
/// `NFNL_BATCH_GENID`
pub(super) const BATCH_GENERATION: u16 = 1;

/// `NFT_MSG_*`
macro_rules! messages {
    ($($name:ident = $number:literal)*) => {
        $(pub(super) const $name: u16 = header::kind(SUBSYSTEM, $number);)*
    };
}

messages! {
    NEW_TABLE = 0
    GET_TABLE = 1
    DELETE_TABLE = 2
    NEW_CHAIN = 3
    GET_CHAIN = 4
    DELETE_CHAIN = 5
    NEW_RULE = 6
    GET_RULE = 7
    DELETE_RULE = 8
    NEW_SET = 9
    GET_SET = 10
    DELETE_SET = 11
    NEW_ELEMENTS = 12
    GET_ELEMENTS = 13
    DELETE_ELEMENTS = 14
    NEW_GENERATION = 15
    GET_GENERATION = 16
}

/// `NFTA_LIST_ELEM`
pub(super) const LIST_ELEMENT: u16 = 1;

/// `NFTA_TABLE_*`
pub(super) mod table {
    pub(in super::super) const NAME: u16 = 1;
    pub(in super::super) const FLAGS: u16 = 2;
    pub(in super::super) const USES: u16 = 3;
    pub(in super::super) const HANDLE: u16 = 4;
    pub(in super::super) const USERDATA: u16 = 6;
    pub(in super::super) const OWNER: u16 = 7;
}

/// `NFTA_CHAIN_*`
pub(super) mod chain {
    pub(in super::super) const TABLE: u16 = 1;
    pub(in super::super) const HANDLE: u16 = 2;
    pub(in super::super) const NAME: u16 = 3;
    pub(in super::super) const HOOK: u16 = 4;
    pub(in super::super) const POLICY: u16 = 5;
    pub(in super::super) const TYPE: u16 = 7;
    pub(in super::super) const USERDATA: u16 = 12;
}

/// `NFTA_HOOK_*`, inside [`chain::HOOK`]
pub(super) mod hook {
    pub(in super::super) const NUMBER: u16 = 1;
    pub(in super::super) const PRIORITY: u16 = 2;
    pub(in super::super) const DEVICE: u16 = 3;
    pub(in super::super) const DEVICES: u16 = 4;
    /// `NFTA_DEVICE_NAME`, inside `DEVICES`
    pub(in super::super) const DEVICE_NAME: u16 = 1;
}

/// `NFTA_RULE_*`
pub(super) mod rule {
    pub(in super::super) const TABLE: u16 = 1;
    pub(in super::super) const CHAIN: u16 = 2;
    pub(in super::super) const HANDLE: u16 = 3;
    pub(in super::super) const EXPRESSIONS: u16 = 4;
    pub(in super::super) const USERDATA: u16 = 7;
}

/// `NFTA_SET_*`
pub(super) mod set {
    pub(in super::super) const TABLE: u16 = 1;
    pub(in super::super) const NAME: u16 = 2;
    pub(in super::super) const FLAGS: u16 = 3;
    pub(in super::super) const KEY_TYPE: u16 = 4;
    pub(in super::super) const KEY_LENGTH: u16 = 5;
    pub(in super::super) const ID: u16 = 10;
    pub(in super::super) const USERDATA: u16 = 13;
    pub(in super::super) const HANDLE: u16 = 16;
}

/// `NFTA_SET_ELEM_LIST_*`
pub(super) mod elements {
    pub(in super::super) const TABLE: u16 = 1;
    pub(in super::super) const SET: u16 = 2;
    pub(in super::super) const ELEMENTS: u16 = 3;
    pub(in super::super) const SET_ID: u16 = 4;
}

/// `NFTA_SET_ELEM_*`
pub(super) mod element {
    pub(in super::super) const KEY: u16 = 1;
    pub(in super::super) const FLAGS: u16 = 3;
    pub(in super::super) const KEY_END: u16 = 10;
}

/// `NFTA_DATA_*` and `NFTA_VERDICT_*`
pub(super) mod data {
    pub(in super::super) const VALUE: u16 = 1;
    pub(in super::super) const VERDICT: u16 = 2;
    pub(in super::super) const VERDICT_CODE: u16 = 1;
    pub(in super::super) const VERDICT_CHAIN: u16 = 2;
}

/// `NFTA_EXPR_*`
pub(super) mod expression {
    pub(in super::super) const NAME: u16 = 1;
    pub(in super::super) const DATA: u16 = 2;
}

/// `NFTA_GEN_*`
pub(super) mod generation {
    pub(in super::super) const ID: u16 = 1;
    pub(in super::super) const PROCESS: u16 = 2;
    pub(in super::super) const PROCESS_NAME: u16 = 3;
}
