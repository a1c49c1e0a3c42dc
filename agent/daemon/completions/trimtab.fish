# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_trimtab_global_optspecs
    string join \n config= profile-path= state-dir= runtime-dir= netns= json v/verbose h/help V/version
end

function __fish_trimtab_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_trimtab_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_trimtab_using_subcommand
    set -l cmd (__fish_trimtab_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c trimtab -n "__fish_trimtab_needs_command" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_needs_command" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_needs_command" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_needs_command" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_needs_command" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_needs_command" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_needs_command" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c trimtab -n "__fish_trimtab_needs_command" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "plan" -d 'Show what would change on this host, now; nothing is written'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "apply" -d 'Plan, write and read back: all or nothing'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "verify" -d 'Compare the live kernel with what was applied, and list every mismatch'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "revert" -d 'Put back what was there before trimtab, unless somebody changed it since'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "run" -d 'Put the roles of this host in force, then watch: what drifts is put back or reported'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "confirm" -d 'Keep a trial started with `apply --confirm-within`'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "status" -d 'Show what is in force, since when and by whom, and how the daemon does'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "history" -d 'Show what the daemon told of drift: what was found, what came of it'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "hold" -d 'Take a lease of an address for tuning by hand: until it ends, nobody puts it back'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "adopt" -d 'Print the profile that wants what is there now; nothing is written'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "explain" -d 'Show everything that speaks of one address: layers, live value, next boot'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "validate" -d 'Check profiles, on sample hosts and given snapshots'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "schema" -d 'Print a JSON Schema'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "facts" -d 'Show what is known of this host'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "snapshot" -d 'Print all that is needed to plan for this host elsewhere'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "import" -d 'Turn sysctl.d and sysctl.conf files into a profile'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "end-trial" -d 'Undo a trial when its time is up; started by `apply --confirm-within`'
complete -c trimtab -n "__fish_trimtab_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c trimtab -n "__fish_trimtab_using_subcommand plan" -l set -d 'One more setting, stronger than all files: `net.core.somaxconn=4096`, `net.core.somaxconn={at-least=4096}`, `link:eth0/mtu=1400`, `link:eth0/feature/gro=off`, `link:eth0/ring/rx=max`' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand plan" -l param -d 'The value of a parameter that a profile declares: `rtt=120ms`' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand plan" -l out -d 'Save the plan, for `apply --plan`' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand plan" -l against -d 'Plan for the host of this snapshot instead of this one' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand plan" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand plan" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand plan" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand plan" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand plan" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand plan" -l brief -d 'One line per change, without what moves along and without notes'
complete -c trimtab -n "__fish_trimtab_using_subcommand plan" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand plan" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand plan" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand plan" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand apply" -l set -d 'One more setting, stronger than all files: `net.core.somaxconn=4096`, `net.core.somaxconn={at-least=4096}`, `link:eth0/mtu=1400`, `link:eth0/feature/gro=off`, `link:eth0/ring/rx=max`' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand apply" -l param -d 'The value of a parameter that a profile declares: `rtt=120ms`' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand apply" -l plan -d 'Apply exactly this saved plan, if it still holds' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand apply" -l confirm-within -d 'Undo it all unless `trimtab confirm` follows within this time' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand apply" -l wait -d 'How long to wait while another trimtab holds the lock' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand apply" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand apply" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand apply" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand apply" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand apply" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand apply" -l brief -d 'One line per change'
complete -c trimtab -n "__fish_trimtab_using_subcommand apply" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand apply" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand apply" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand apply" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand verify" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand verify" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand verify" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand verify" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand verify" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand verify" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand verify" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand verify" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand verify" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand revert" -l wait -d 'How long to wait while another trimtab holds the lock' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand revert" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand revert" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand revert" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand revert" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand revert" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand revert" -l trial -d 'Only end the trial that awaits its confirmation: what was in force before it comes back'
complete -c trimtab -n "__fish_trimtab_using_subcommand revert" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand revert" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand revert" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand revert" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand run" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand run" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand run" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand run" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand run" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand run" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand run" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand run" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand run" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand confirm" -l wait -d 'How long to wait while another trimtab holds the lock' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand confirm" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand confirm" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand confirm" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand confirm" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand confirm" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand confirm" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand confirm" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand confirm" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand confirm" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand status" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand status" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand status" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand status" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand status" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand status" -l watch -d 'Go on, and show it again each time it has changed'
complete -c trimtab -n "__fish_trimtab_using_subcommand status" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand status" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand status" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand status" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand history" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand history" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand history" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand history" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand history" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand history" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand history" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand history" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand history" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand hold" -l for -d 'For how long; a lease that runs begins anew' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand hold" -l reason -d 'What for: shown wherever the lease is' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand hold" -l wait -d 'How long to wait while another trimtab holds the lock' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand hold" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand hold" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand hold" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand hold" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand hold" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand hold" -l end -d 'End the lease now'
complete -c trimtab -n "__fish_trimtab_using_subcommand hold" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand hold" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand hold" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand hold" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand adopt" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand adopt" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand adopt" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand adopt" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand adopt" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand adopt" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand adopt" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand adopt" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand adopt" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand explain" -l set -d 'One more setting, stronger than all files: `net.core.somaxconn=4096`, `net.core.somaxconn={at-least=4096}`, `link:eth0/mtu=1400`, `link:eth0/feature/gro=off`, `link:eth0/ring/rx=max`' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand explain" -l param -d 'The value of a parameter that a profile declares: `rtt=120ms`' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand explain" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand explain" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand explain" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand explain" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand explain" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand explain" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand explain" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand explain" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand explain" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand validate" -l against -d 'Evaluate on the host of this snapshot too; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand validate" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand validate" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand validate" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand validate" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand validate" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand validate" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand validate" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand validate" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand validate" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand schema" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand schema" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand schema" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand schema" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand schema" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand schema" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand schema" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand schema" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand schema" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand facts" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand facts" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand facts" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand facts" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand facts" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand facts" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand facts" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand facts" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand facts" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand snapshot" -l out -d 'Write it to a file' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand snapshot" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand snapshot" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand snapshot" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand snapshot" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand snapshot" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand snapshot" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand snapshot" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand snapshot" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand snapshot" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand import" -l out -d 'Write the profile to a file' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand import" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand import" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand import" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand import" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand import" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand import" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand import" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand import" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand import" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand end-trial" -l transaction -d 'The transaction' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand end-trial" -l at -d 'Milliseconds on CLOCK_BOOTTIME' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand end-trial" -l config -d 'The host file; none is needed at the default place' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand end-trial" -l profile-path -d 'A folder of profiles, looked through before /etc/trimtab/profiles, /usr/lib/trimtab/profiles and the built-in ones; may be given again' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand end-trial" -l state-dir -d 'Where the journal and the applied set are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand end-trial" -l runtime-dir -d 'Where locks and sockets are kept' -r -F
complete -c trimtab -n "__fish_trimtab_using_subcommand end-trial" -l netns -d 'Act on this network namespace, by its name in ip-netns(8)' -r
complete -c trimtab -n "__fish_trimtab_using_subcommand end-trial" -l json -d 'Print a JSON document instead of text'
complete -c trimtab -n "__fish_trimtab_using_subcommand end-trial" -s v -l verbose -d 'Log what is done on standard error; twice for the decisions too'
complete -c trimtab -n "__fish_trimtab_using_subcommand end-trial" -s h -l help -d 'Print help'
complete -c trimtab -n "__fish_trimtab_using_subcommand end-trial" -s V -l version -d 'Print version'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "plan" -d 'Show what would change on this host, now; nothing is written'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "apply" -d 'Plan, write and read back: all or nothing'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "verify" -d 'Compare the live kernel with what was applied, and list every mismatch'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "revert" -d 'Put back what was there before trimtab, unless somebody changed it since'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "run" -d 'Put the roles of this host in force, then watch: what drifts is put back or reported'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "confirm" -d 'Keep a trial started with `apply --confirm-within`'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "status" -d 'Show what is in force, since when and by whom, and how the daemon does'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "history" -d 'Show what the daemon told of drift: what was found, what came of it'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "hold" -d 'Take a lease of an address for tuning by hand: until it ends, nobody puts it back'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "adopt" -d 'Print the profile that wants what is there now; nothing is written'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "explain" -d 'Show everything that speaks of one address: layers, live value, next boot'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "validate" -d 'Check profiles, on sample hosts and given snapshots'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "schema" -d 'Print a JSON Schema'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "facts" -d 'Show what is known of this host'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "snapshot" -d 'Print all that is needed to plan for this host elsewhere'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "import" -d 'Turn sysctl.d and sysctl.conf files into a profile'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "end-trial" -d 'Undo a trial when its time is up; started by `apply --confirm-within`'
complete -c trimtab -n "__fish_trimtab_using_subcommand help; and not __fish_seen_subcommand_from plan apply verify revert run confirm status history hold adopt explain validate schema facts snapshot import end-trial help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
