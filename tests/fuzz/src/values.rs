//! Single values: formulas, addresses, quantities, what the kernel prints of a sysctl.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use trimtab_core::address::Address;
use trimtab_core::address::SysctlKey;
use trimtab_core::catalogue;
use trimtab_core::expr;
use trimtab_core::expr::Outcome;
use trimtab_core::expr::Scope;
use trimtab_core::facts::FactValue;
use trimtab_core::facts::Facts;
use trimtab_core::kind::rules_of;
use trimtab_core::kind::sysctl;
use trimtab_core::kind::sysctl::DecideContext;
use trimtab_core::kind::sysctl::Decision;
use trimtab_core::observed::Reading;
use trimtab_core::policy::Element;
use trimtab_core::policy::Policy;
use trimtab_core::policy::Scalar;
use trimtab_core::policy::Wanted;
use trimtab_core::profile::Pattern;
use trimtab_core::sysctld::Glob;
use trimtab_core::units;
use trimtab_core::value::Ports;
use trimtab_core::value::Value;

use super::profiles::HOSTS;

static PARAMS: LazyLock<BTreeMap<String, FactValue>> = LazyLock::new(|| {
    let params = [
        ("rtt", FactValue::Float(0.08)),
        ("flows", FactValue::Int(2000)),
        ("most", FactValue::Int(i64::MAX)),
        ("least", FactValue::Int(i64::MIN)),
        ("none", FactValue::Int(0)),
        ("word", FactValue::Text("cubic".to_owned())),
    ];
    params.map(|(name, value)| (name.to_owned(), value)).into()
});

/// A formula, on all hosts, for an interface and for none.
pub fn expression(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let expression = match expr::compile(text) {
        Ok(expression) => expression,
        Err(error) => {
            assert!(error.offset.is_none_or(|offset| offset <= text.len()), "{error:?} is past the end");
            return;
        }
    };
    assert_eq!(expression.text(), text);
    for (_, facts) in HOSTS.iter() {
        for link in [None, facts.links.keys().next().map(String::as_str)] {
            let scope = Scope { facts, link, params: &PARAMS };
            let outcome = expression.evaluate(&scope);
            if let Ok(Outcome::Known(value)) = &outcome {
                assert!(!matches!(value, FactValue::Float(number) if !number.is_finite()), "{text}: {value:?}");
                let _ = expr::scalar(value);
            }
            assert_eq!(expression.evaluate(&scope), outcome);
        }
    }
}

/// A key in the first line, and what the kernel prints of it, or what a profile wants of it, in the others.
pub fn sysctl(bytes: &[u8]) {
    let Some((key, text)) = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once('\n')) else { return };
    let Ok(key) = key.parse::<SysctlKey>() else { return };
    let _ = catalogue::canonical_key(&key);
    let facts = &HOSTS[0].1;
    let read = |text: &str| {
        let reading = Reading::Text { text: text.to_owned(), writable: true };
        sysctl::observe(&key, &reading, facts).value().cloned()
    };
    if let Some(value) = read(text) {
        assert!(sysctl::equivalent(&key, &value, &value, facts), "{key}: {value:?} is not itself");
    }
    let live = read(text);
    let scalar = Scalar::Text(text.to_owned());
    if let Ok(value) = sysctl::parse_wanted(&key, &scalar) {
        let written = sysctl::encode(&key, &value);
        assert!(!written.is_empty() || value == Value::Secret, "{key}: a write of nothing for {value:?}");
        let again = sysctl::parse_wanted(&key, &Scalar::Text(written));
        assert_eq!(again.as_ref(), Ok(&value), "{key}: what is written is another value");
        // An empty text is shown as TOML has it, since nothing would not be seen.
        let shown = if value == Value::Text(String::new()) { String::new() } else { value.to_string() };
        assert_eq!(sysctl::parse_wanted(&key, &Scalar::Text(shown)).as_ref(), Ok(&value), "{key}: as shown");
        let _ = sysctl::check_for_kernel(&key, &value, (6, 18));
    }
    for (index, policy) in policies(&scalar, text).into_iter().enumerate() {
        // Of an unknown key it only says so, and looks for one that was meant.
        if index == 0 || catalogue::find(&key).is_some() {
            let _ = sysctl::check(&key, &policy);
        }
        let context = DecideContext { facts, kernel_version: Some((6, 18)), available: None };
        if let Decision::Write(value) = sysctl::decide(&key, &policy, live.as_ref(), &context) {
            let kept = sysctl::stored(&key, &value, facts);
            let _ = sysctl::decide(&key, &policy, Some(&kept), &context);
        }
    }
}

fn policies(scalar: &Scalar, text: &str) -> Vec<Policy> {
    let one = Wanted::One(scalar.clone());
    let elements = text.split_whitespace().map(|word| match word {
        "keep" => Element::Keep,
        word => Element::Is(Scalar::Text(word.to_owned())),
    });
    let many = Wanted::Many(elements.collect());
    vec![
        Policy::Value(one.clone()),
        Policy::Value(many.clone()),
        Policy::AtLeast(many.clone()),
        Policy::AtMost(many.clone()),
        Policy::Between(one.clone(), many.clone()),
        Policy::OneOf(vec![one.clone(), many.clone()]),
        Policy::Prefer(vec![many, one]),
        Policy::Includes(vec![scalar.clone()]),
    ]
}

/// A text as each of the small languages: addresses, patterns, quantities, port lists. What is read is shown as it is read.
pub fn words(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(address) = text.parse::<Address>() {
        let shown = address.to_string();
        assert_eq!(shown.parse().as_ref(), Ok(&address), "{text} is shown as {shown}");
        let canonical = rules_of(&address).canonical(&address);
        assert_eq!(rules_of(&canonical).canonical(&canonical), canonical);
        let _ = (address.interface(), address.with_interface("eth0.100"), address.local_name());
        let facts = Facts::default();
        let _ = (rules_of(&address).rank(&address, &facts), rules_of(&address).partner(&address));
        let _ = (rules_of(&address).object(&address), rules_of(&address).meaning(&address));
    }
    if let Ok(pattern) = Pattern::parse(text) {
        let _ = (pattern.matches("eth0.100"), pattern.matches(text));
    }
    if let Ok(glob) = Glob::parse(text) {
        let key: Option<SysctlKey> = "net.ipv4.conf.eth0/100.rp_filter".parse().ok();
        let _ = key.map(|key| glob.matches(&key));
    }
    if let Ok(quantity) = units::parse(text) {
        assert!(!matches!(quantity, FactValue::Float(number) if !number.is_finite() || number < 0.0), "{quantity:?}");
    }
    if let Ok(ports) = Ports::parse(text) {
        assert_eq!(Ports::parse(&ports.to_string()), Ok(ports));
    }
}
