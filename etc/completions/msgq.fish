# fish completion of msgq: `msgq completion fish | source`, or this file as
# /usr/share/fish/vendor_completions.d/msgq.fish. What it offers msgq itself says.
function __msgq_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] complete -- $words[2..-1] "$current" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete -c msgq -f -k -a '(__msgq_complete)'
