//! A profile that wants of one address what is there: what somebody found out by hand, written down.

use crate::address::Address;
use crate::address::Object;
use crate::value::Value;

/// The text of a profile that wants this value there, and nothing else; a mistake in words where profiles cannot say it.
///
/// # Errors
/// Where a value has a shape of its own, such as a queueing discipline, and where it is secret.
pub fn wanting(address: &Address, value: &Value) -> Result<String, String> {
    let value = toml_value(value)?;
    match &address.object {
        Object::Sysctl(key) => {
            let path: Vec<String> = key.segments().map(|part| key_part(&part.replace('*', "\\*"))).collect();
            Ok(format!("[sysctl]\n{} = {value}\n", path.join(".")))
        }
        Object::Link(key) => {
            let attribute = key.attribute().to_string();
            let parts: Vec<&str> = attribute.split('/').collect();
            let head = format!("[[link]]\nmatch = {}\n", text(key.interface()));
            match parts.as_slice() {
                ["queue", queue, name] => {
                    Ok(format!("{head}[link.queues.{}]\n{} = {value}\n", key_part(queue), key_part(name)))
                }
                [group, name] => Ok(format!("{head}{} = {{ {} = {value} }}\n", section(group), key_part(name))),
                _ => Ok(format!("{head}{attribute} = {value}\n")),
            }
        }
        Object::Tc(_) | Object::Nft(_) => Err("what has classes or rules is not written down by trimtab".to_owned()),
    }
}

/// The section that holds values of this sort.
fn section(group: &str) -> &str {
    match group {
        "feature" => "features",
        "ring" => "rings",
        "channel" => "channels",
        other => other,
    }
}

fn toml_value(value: &Value) -> Result<String, String> {
    let list = |parts: Vec<String>| format!("[{}]", parts.join(", "));
    Ok(match value {
        Value::Int(number) => number.to_string(),
        Value::Ints(numbers) => list(numbers.iter().map(i64::to_string).collect()),
        Value::Ports(_) | Value::Cpus(_) | Value::Text(_) => text(&plain(value)),
        Value::Words(words) => list(words.iter().map(|word| text(word)).collect()),
        // What was asked for is what can be asked for.
        Value::Switch { wanted, active: _ } => wanted.to_string(),
        Value::Tree(_) => return Err("what has classes or rules is not written down by trimtab".to_owned()),
        Value::Secret => return Err("a secret is not written down".to_owned()),
    })
}

/// A value as text; what is empty shows as two quotes elsewhere.
fn plain(value: &Value) -> String {
    let shown = value.to_string();
    if shown == "\"\"" { String::new() } else { shown }
}

/// A part of a dotted key, quoted where it must be.
fn key_part(part: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !part.is_empty() && part.chars().all(is_bare) { part.to_owned() } else { text(part) }
}

/// A basic string of TOML.
fn text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Ports;

    #[test]
    fn a_patch_says_what_the_value_is_in_the_words_of_profiles() {
        let patch = |address: &str, value: Value| wanting(&address.parse().unwrap(), &value);
        let ok = |address: &str, value: Value, text: &str| assert_eq!(patch(address, value), Ok(text.to_owned()));
        ok("sysctl:net.core.somaxconn", Value::Int(7), "[sysctl]\nnet.core.somaxconn = 7\n");
        let conf = "[sysctl]\nnet.ipv4.conf.\"eth0.100\".rp_filter = 2\n";
        ok("sysctl:net.ipv4.conf.eth0/100.rp_filter", Value::Int(2), conf);
        ok("sysctl:net.ipv4.tcp_rmem", Value::Ints(vec![1, 2, 3]), "[sysctl]\nnet.ipv4.tcp_rmem = [1, 2, 3]\n");
        let word = Value::Text("a \"b\"\u{7f}".to_owned());
        ok("sysctl:net.core.default_qdisc", word, "[sysctl]\nnet.core.default_qdisc = \"a \\\"b\\\"\\u007F\"\n");
        ok("link:eth0/mtu", Value::Int(1400), "[[link]]\nmatch = \"eth0\"\nmtu = 1400\n");
        ok("link:eth0/ring/rx", Value::Int(512), "[[link]]\nmatch = \"eth0\"\nrings = { rx = 512 }\n");
        let off = Value::Switch { wanted: false, active: false };
        ok("link:eth0/feature/rx-gro", off, "[[link]]\nmatch = \"eth0\"\nfeatures = { rx-gro = false }\n");
        let cpus = Value::Cpus(Ports::default());
        let queue = "[[link]]\nmatch = \"eth0\"\n[link.queues.rx-0]\nrps-cpus = \"none\"\n";
        ok("link:eth0/queue/rx-0/rps-cpus", cpus, queue);
        assert!(patch("sysctl:net.ipv4.tcp_fastopen_key", Value::Secret).is_err());
    }
}
