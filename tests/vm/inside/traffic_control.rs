//! Traffic control as the library speaks it: all its tests are here too, below `tc`, for these kernels have every kind.

use crate::machine::in_the_vm;
use crate::machine::sh;
use crate::namespace::in_new_netns;
use crate::tc::cases;
use crate::tc::filter;

#[test]
fn nothing_that_tc_tests_do_without_is_missing_here() {
    in_the_vm();
    in_new_netns("nothing_that_tc_tests_do_without_is_missing_here", || {
        sh("ip link add tt-a numtxqueues 4 numrxqueues 4 type ifb && ip link set tt-a up");
        for (line, _) in cases::roots() {
            sh(&format!("tc qdisc add dev tt-a root handle 1: {line} && tc qdisc delete dev tt-a root"));
        }
        sh("ip link add tt-b type ifb && tc qdisc add dev tt-a root handle 1: htb");
        for (line, handle, _) in filter::cases(0) {
            let place = "dev tt-a parent 1: protocol ip prio 5";
            sh(&format!("tc filter add {place} handle {handle} {line} && tc filter delete dev tt-a parent 1:"));
        }
    });
}
