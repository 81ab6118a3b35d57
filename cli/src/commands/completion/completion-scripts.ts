/** Each asks `cellctl __complete WORD…`, whose last word is the one under the cursor. */
export const COMPLETION_SCRIPTS = {
  bash: `# cellctl completion for bash: eval "$(cellctl completion bash)"
_cellctl() {
  local IFS=$'\\n'
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=($(cellctl __complete -- "\${words[@]}" 2>/dev/null))
  if [ "\${#COMPREPLY[@]}" -eq 1 ] && [ "\${COMPREPLY[0]}" = "__file__" ]; then
    COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
    compopt -o filenames 2>/dev/null
  fi
}
complete -F _cellctl cellctl
`,
  zsh: `#compdef cellctl
# cellctl completion for zsh: source <(cellctl completion zsh)
_cellctl() {
  local -a found
  found=("\${(@f)$(cellctl __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "\${found[1]}" = "__file__" ]]; then
    _files
  else
    compadd -a found
  fi
}
compdef _cellctl cellctl
`,
  fish: `# cellctl completion for fish: cellctl completion fish | source
function __cellctl_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (cellctl __complete -- $words[2..-1] 2>/dev/null)
  if test "$found" = "__file__"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $found
  end
end
complete -c cellctl -f -a '(__cellctl_complete)'
`,
} as const;
