//! Files that others could change, or that are none.

use crate::world::World;

#[test]
fn what_others_may_write_is_not_acted_upon() {
    let Some(world) = World::new() else { return };
    let before = world.all_sysctls();
    world.profile("role", "[sysctl]\nnet.ipv4.tcp_sack = 0\n");
    for (break_it, mend_it, what) in [
        ("chmod o+w profiles/role.toml", "chmod o-w profiles/role.toml", "role.toml"),
        ("chmod g+w profiles/role.toml", "chmod g-w profiles/role.toml", "role.toml"),
        ("chown 65534 profiles/role.toml", "chown 0 profiles/role.toml", "role.toml"),
        ("chmod o+w profiles", "chmod o-w profiles", "profiles"),
        ("chown 65534 profiles", "chown 0 profiles", "profiles"),
        (
            "mkdir -m 777 open; mv profiles/role.toml open; ln -s ../open/role.toml profiles",
            "rm profiles/role.toml; mv open/role.toml profiles; rmdir open",
            "open",
        ),
    ] {
        world.sh(break_it);
        for verb in ["plan", "apply"] {
            let told = world.trimtab(&[verb, "role"]).exits(65);
            assert!(told.err.contains(what) && told.err.contains("root"), "{break_it}: {}", told.err);
        }
        world.sh(mend_it);
        world.trimtab(&["plan", "role"]).exits(2);
    }
    world.sh("chmod o+w host.toml");
    let told = world.trimtab(&["apply", "role"]).exits(65);
    assert!(told.err.contains("host.toml"), "{}", told.err);
    assert_eq!(world.differences(&before), [""; 0]);
}

#[test]
fn what_is_no_file_is_refused_and_does_not_hang() {
    let Some(world) = World::new() else { return };
    for make in [
        "mkdir profiles/odd.toml",
        "mkfifo profiles/odd.toml",
        "mknod profiles/odd.toml c 1 5",
        "ln -s odd.toml profiles/odd.toml",
        "ln -s /proc/self/mem profiles/odd.toml",
    ] {
        world.sh(make);
        let told = world.trimtab(&["plan", "odd"]);
        assert!(told.code == 65 && told.err.contains("odd"), "{make}: {told:?}");
        world.sh("rm -rf profiles/odd.toml");
    }
    for make in ["mkdir odd", "ln -s nothere odd", "ln -s odd odd"] {
        world.sh(make);
        let odd = world.path("odd");
        let odd = odd.to_str().unwrap();
        for arguments in
            [&["plan", "--against", odd][..], &["apply", "--plan", odd], &["validate", odd], &["import", odd]]
        {
            let told = world.trimtab(arguments);
            assert!(told.code == 65 && told.err.contains(odd), "{make} {arguments:?}: {told:?}");
        }
        world.sh("rm -rf odd");
    }
}

#[test]
fn a_profile_that_nobody_may_read_is_named() {
    let Some(world) = World::new() else { return };
    world.profile("role", "[sysctl]\nnet.ipv4.tcp_sack = 0\n");
    world.sh("chmod 600 profiles/role.toml; chmod 755 .");
    let program = world.path("trimtab");
    // By a process of its own: what another test forks at this moment would inherit the file open for writing (ETXTBSY).
    world.sh(&format!("cp {} trimtab", crate::world::TRIMTAB));
    let mut command = world.command("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--"]).arg(program);
    command.args(world.options()).args(["plan", "role"]);
    let told = crate::world::Told::of(command);
    assert!([65, 77].contains(&told.code) && told.err.contains("role.toml"), "{told:?}");
}
