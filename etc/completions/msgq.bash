# bash completion of msgq: `source <(msgq completion bash)`, or this file as
# /usr/share/bash-completion/completions/msgq. What it offers msgq itself says.
_msgq() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("${line%%$'\t'*}")
  done < <("$1" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _msgq msgq
