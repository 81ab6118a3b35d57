/** Each asks `cellctl __complete WORD…`, whose last word is the one under the cursor. */
export const COMPLETION_SCRIPTS = {
  bash: `# cellctl completion for bash: eval "$(cellctl completion bash)"
_cellctl() {
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  mapfile -t COMPREPLY < <(cellctl __complete -- "\${words[@]}" 2>/dev/null)
  if [ "\${#COMPREPLY[@]}" -eq 1 ] && [ "\${COMPREPLY[0]}" = "__file__" ]; then
    # The shell itself knows best how names of files are quoted.
    COMPREPLY=()
    compopt -o default
  fi
}
complete -F _cellctl cellctl
`,
  zsh: `#compdef cellctl
# cellctl completion for zsh: source <(cellctl completion zsh)
_cellctl() {
  local -a found
  found=(\${(f)"$(cellctl __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if [[ "\${found[1]}" = "__file__" ]]; then
    _files
  else
    compadd -a found
  fi
}
# As a file in a folder of fpath it is itself the body of _cellctl when that is called for the first time.
if [ "$funcstack[1]" = "_cellctl" ]; then _cellctl "$@"; else compdef _cellctl cellctl; fi
`,
  fish: `# cellctl completion for fish: cellctl completion fish | source
# Both rules below need the answer; who is second takes that of the first.
function __cellctl_ask
  set -l words (commandline -opc) (commandline -ct)
  if test "$__cellctl_asked" != "$words" -o "$__cellctl_asker" = "$argv"
    set -g __cellctl_found (cellctl __complete -- $words[2..-1] 2>/dev/null)
    set -g __cellctl_asked "$words"
    set -g __cellctl_asker "$argv"
  else
    set -e __cellctl_asked
  end
end
function __cellctl_wants_file
  __cellctl_ask files
  test "$__cellctl_found" = "__file__"
end
function __cellctl_words
  __cellctl_ask words
  test "$__cellctl_found" = "__file__" -o -z "$__cellctl_found"
  or printf '%s\\n' $__cellctl_found
end
complete -c cellctl -f
complete -c cellctl -n __cellctl_wants_file -F
complete -c cellctl -a '(__cellctl_words)'
`,
} as const;
