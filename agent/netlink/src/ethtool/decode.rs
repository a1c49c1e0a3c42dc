//! Every decoder of ethtool, for [`crate::decoders`].

use std::sync::Arc;
use std::sync::LazyLock;

use super::Channels;
use super::Coalesce;
use super::FeaturesOutcome;
use super::LinkModes;
use super::LinkState;
use super::Pause;
use super::PrivateFlags;
use super::Rings;
use super::Rss;
use super::StringSet;
use super::StringSetId;
use super::client::read_features;
use super::monitor::Change;
use super::settings::Settings;
use super::strings;
use crate::wire::Message;

/// As many as Linux 6.18 has.
static NAMES: LazyLock<Arc<StringSet>> =
    LazyLock::new(|| Arc::new(StringSet::new((0..67).map(|number| format!("feature-{number}")).collect())));

/// Reads a message in every way there is. Its command decides which of them go beyond it.
pub(crate) fn decode(message: &Message<'_>) {
    let _ = (Rings::read(message), Channels::read(message), Coalesce::read(message), Pause::read(message));
    let _ = (LinkModes::read(message), LinkState::read(message), Rss::read(message), PrivateFlags::read(message));
    if let Ok(features) = read_features(message, &NAMES) {
        assert_eq!(features.iter().count(), NAMES.len());
    }
    if let Ok(FeaturesOutcome { not_taken, changed, warning: _ }) = FeaturesOutcome::read(message, &NAMES) {
        assert!(not_taken.keys().chain(changed.keys()).all(|name| NAMES.index(name).is_some()));
    }
    for id in [StringSetId::Statistics, StringSetId::PrivateFlags, StringSetId::Features, StringSetId::LinkModes] {
        let set = strings::read(message, id).unwrap_or_default();
        assert!(set.iter().all(|(index, name)| set.name(index) == Some(name)));
    }
    let _ = Change::read(message, &NAMES).map(|change| change.device().index);
}
