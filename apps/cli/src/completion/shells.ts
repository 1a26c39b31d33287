import type { CompletedOption, Place } from './command-tree.ts'

/** Completion scripts, made from the commands there are. Behind `--` stand a program's own arguments: files are offered there. */

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

export function completionScript(shell: Shell, places: readonly Place[]): string {
  switch (shell) {
    case 'bash':
      return bashScript(places)
    case 'zsh':
      return zshScript(places)
    case 'fish':
      return fishScript(places)
  }
}

function bashScript(places: readonly Place[]): string {
  return `# fog completion for bash. Put it to use with:  source <(fog completion bash)
_fog() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at="" words="" i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ \${COMP_WORDS[i]} == -- ]] && return
    case "$at|\${COMP_WORDS[i]}" in
${stepLines(places, '    ', (from, name, to) => `${quote(`${from}|${name}`)}) at=${quote(to)} ;;`)}
    esac
  done
  case "$at|$prev" in
${valueLines(places, '    ', (patterns, { choices }) => `${patterns}) ${choices.length > 0 ? `COMPREPLY=($(compgen -W ${quote(choices.join(' '))} -- "$cur")); ` : ''}return ;;`)}
  esac
  case "$at" in
${placeLines(places, '    ', (place) => `${quote(place.path)}) if [[ $cur == -* ]]; then words=${quote(flagsOf(place).join(' '))}; else words=${quote(wordsOf(place).join(' '))}; fi ;;`)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -o bashdefault -F _fog fog
`
}

function zshScript(places: readonly Place[]): string {
  return `#compdef fog
# fog completion for zsh. Put it to use with:  source <(fog completion zsh)
_fog() {
  local cur="\${words[CURRENT]}" prev="\${words[CURRENT-1]}" at="" i
  local -a commands options
  for ((i = 2; i < CURRENT; i++)); do
    [[ "\${words[i]}" == "--" ]] && { _files; return; }
    case "$at|\${words[i]}" in
${stepLines(places, '    ', (from, name, to) => `${quote(`${from}|${name}`)}) at=${quote(to)} ;;`)}
    esac
  done
  case "$at|$prev" in
${valueLines(places, '    ', (patterns, { choices }) => `${patterns}) ${choices.length > 0 ? `compadd -- ${choices.map(quote).join(' ')}` : '_files'}; return ;;`)}
  esac
  case "$at" in
${placeLines(places, '    ', (place) => `${quote(place.path)}) commands=(${describedOf(place).join(' ')}) options=(${optionsOf(place).join(' ')}) ;;`)}
  esac
  if [[ "$cur" == -* ]]; then
    _describe 'option' options
  elif (( \${#commands} )); then
    _describe 'command' commands
  else
    _files
  fi
}
compdef _fog fog
`
}

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap((place) => fishLines(place))
  return `# fog completion for fish. Put it to use with:  fog completion fish | source
function __fog_at
    set -l at ""
    for word in (commandline -opc)[2..]
        if test "$word" = "--"
            return 1
        end
        switch "$at|$word"
${stepLines(places, '            ', (from, name, to) => `case ${quote(`${from}|${name}`)}\n                set at ${quote(to)}`)}
        end
    end
    test "$at" = "$argv[1]"
end
${lines.join('\n')}
`
}

function fishLines({ path, commands, options, argumentChoices }: Place): string[] {
  // Paths are words and blanks, so double quotes inside the single ones are safe.
  const when = `-n ${quote(`__fog_at "${path}"`)}`
  const words = commands.map(({ name, says }) => `complete -c fog -f ${when} -a ${quote(name)} -d ${quote(says)}`)
  const values = argumentChoices.map((choice) => `complete -c fog -f ${when} -a ${quote(choice)}`)
  const flags = options.map(({ flags, says, takesValue, choices }) => {
    const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(' ')
    const value = choices.length > 0 ? ` -x -a ${quote(choices.join(' '))}` : takesValue ? ' -r' : ''
    return `complete -c fog ${when} ${names}${value} -d ${quote(says)}`
  })
  return [...words, ...values, ...flags]
}

/** From one place to the next, by the word that leads there. */
function stepLines(
  places: readonly Place[],
  indent: string,
  line: (from: string, name: string, to: string) => string,
): string {
  return places
    .flatMap(({ path, commands }) =>
      commands.map(({ name }) => indent + line(path, name, path === '' ? name : `${path} ${name}`)),
    )
    .join('\n')
}

/** Options that take a value, at each place. */
function valueLines(
  places: readonly Place[],
  indent: string,
  line: (patterns: string, option: CompletedOption) => string,
): string {
  return places
    .flatMap(({ path, options }) =>
      options
        .filter(({ takesValue }) => takesValue)
        .map((option) => indent + line(option.flags.map((flag) => quote(`${path}|${flag}`)).join('|'), option)),
    )
    .join('\n')
}

function placeLines(places: readonly Place[], indent: string, line: (place: Place) => string): string {
  return places.map((place) => indent + line(place)).join('\n')
}

function flagsOf({ options }: Place): string[] {
  return options.flatMap(({ flags }) => flags)
}

function wordsOf({ commands, argumentChoices }: Place): string[] {
  return [...commands.map(({ name }) => name), ...argumentChoices]
}

/** `name:description`, as zsh's _describe has it. */
function describedOf(place: Place): string[] {
  const commands = place.commands.map(({ name, says }) => quote(`${name}:${says.replaceAll(':', '\\:')}`))
  return [...commands, ...place.argumentChoices.map(quote)]
}

function optionsOf({ options }: Place): string[] {
  return options.flatMap(({ flags, says }) => flags.map((flag) => quote(`${flag}:${says.replaceAll(':', '\\:')}`)))
}

/** In single quotes, which bash, zsh and fish read alike but for a quote itself. */
function quote(text: string): string {
  return `'${text.replaceAll("'", '’')}'`
}
