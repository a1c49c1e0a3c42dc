//! Findings: what a plan has to say besides its changes.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::address::Address;
use crate::desired::Origin;
use crate::desired::Setting;
use crate::kind::Obstacle;
use crate::kind::ObstacleClass;
use crate::kind::Remark;

/// The weight of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// It cannot be decided or written yet.
    Pending,
    /// This kernel or privilege refuses it.
    Blocked,
    /// It holds somebody else's value, which trimtab leaves alone.
    Conflict,
    /// Worth saying; changes no exit code.
    Note,
}

impl Class {
    /// The word people read.
    pub fn word(self) -> &'static str {
        match self {
            Class::Pending => "pending",
            Class::Blocked => "blocked",
            Class::Conflict => "conflict",
            Class::Note => "note",
        }
    }
}

/// One thing to say, about one address or about the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Its weight.
    pub class: Class,
    /// A stable code, e.g. `module-not-loaded`.
    pub code: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// In words.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// Who wants the setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// The code of a setting that waits for a module which the next apply loads.
pub const TO_LOAD: &str = "module-to-load";

impl Finding {
    /// A finding about an address.
    pub fn about(class: Class, code: &str, address: &Address, message: impl Into<String>) -> Finding {
        Finding {
            class,
            code: code.to_owned(),
            address: Some(address.clone()),
            message: message.into(),
            advice: None,
            origin: None,
        }
    }

    /// The same with advice.
    #[must_use]
    pub fn with_advice(mut self, advice: Option<String>) -> Finding {
        self.advice = advice;
        self
    }

    /// The same with the place that wants the setting.
    #[must_use]
    pub fn with_origin(mut self, origin: Option<&Origin>) -> Finding {
        self.origin = origin.cloned();
        self
    }

    /// What stands in the way of an address, and of this setting of it if there is one.
    pub(super) fn of_obstacle(address: &Address, obstacle: Obstacle, setting: Option<&Setting>) -> Finding {
        if let Some(module) = obstacle.module.filter(|_| setting.is_some_and(|setting| setting.load_module)) {
            let message = format!("{module} is not loaded; apply loads it first");
            return Finding::about(Class::Pending, TO_LOAD, address, message)
                .with_origin(setting.map(|setting| &setting.origin));
        }
        let class = match obstacle.class {
            ObstacleClass::Pending => Class::Pending,
            ObstacleClass::Lacking if setting.is_some_and(|setting| setting.if_supported) => Class::Note,
            ObstacleClass::Blocked | ObstacleClass::Lacking => Class::Blocked,
            ObstacleClass::Note => Class::Note,
        };
        Finding::about(class, obstacle.code, address, obstacle.message)
            .with_advice(obstacle.advice)
            .with_origin(setting.map(|setting| &setting.origin))
    }

    pub(super) fn of_remark(address: &Address, remark: Remark) -> Finding {
        Finding::about(Class::Note, remark.code, address, remark.message).with_advice(remark.advice)
    }
}
