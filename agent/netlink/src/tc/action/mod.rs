//! Actions: what becomes of the packets that a filter finds.
//!
//! An action belongs to the filter that it came with, and is read and written with it. That several filters share one, by its
//! index, the kernel can do and these requests do not.

mod decode;
mod mirred;
mod police;
#[cfg(test)]
mod tests;
mod verdict;

pub use decode::Action;
pub use decode::Kind;
pub use mirred::Mirred;
pub use mirred::MirredTo;
pub use police::PacketRate;
pub use police::Police;
pub use verdict::Verdict;

pub(super) use decode::read_all;
pub(super) use decode::read_police;
pub(super) use decode::write_all;
