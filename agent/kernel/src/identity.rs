//! Who this host, this boot and this namespace are.
