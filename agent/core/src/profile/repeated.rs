//! Sections that may stand several times: `[[name]]`.

use super::file::File;
use super::leaf;
use super::syntax::Node;
use super::syntax::Table;
use super::syntax::Tree;

/// What the sections of a name say, in their order; nothing in the place of one that is wrong. `of` are the words for what
/// there may be several sections of.
pub(super) fn sections<T>(
    file: &mut File<'_>,
    node: &Node,
    name: &str,
    of: &str,
    mut read: impl FnMut(&mut File<'_>, &Node, &Table) -> Option<T>,
) -> Vec<Option<T>> {
    let wanted = format!("sections `[[{name}]]`");
    let (Tree::Tables(nodes) | Tree::Array(nodes)) = &node.tree else {
        if node.tree.entries().is_some() {
            file.error("wrong-type", format!("there may be several sections of {of}"), node.span.clone()).help =
                Some(format!("write [[{name}]], with two brackets"));
        } else {
            leaf::wrong_type(file, node, &format!("`{name}`"), &wanted);
        }
        return vec![None];
    };
    let each = nodes.iter().map(|node| match node.tree.entries() {
        Some(table) => read(file, node, table),
        None => {
            leaf::wrong_type(file, node, &format!("`{name}`"), &wanted);
            None
        }
    });
    each.collect()
}

/// The line of a section's header, not all that stands below it.
pub(super) fn header(node: &Node, name: &str) -> std::ops::Range<usize> {
    node.span.start..node.span.end.min(node.span.start.saturating_add("[[]]".len() + name.len()))
}
