/**
 * Which paths a pattern means, as `fog submit` reads it: `*` and `?` within a folder, `**` across folders, `[a-z]` and
 * `{one,two}`. A name that begins with a dot is no exception: only chosen files are looked at.
 */
export function globMatcher(pattern: string): (path: string) => boolean {
  const expression = new RegExp(`^${source(pattern.replace(/^\.\//, ''))}$`)
  return (path) => expression.test(path)
}

function source(pattern: string): string {
  let text = ''
  for (let at = 0; at < pattern.length;) {
    const [piece, length] = pieceAt(pattern, at)
    text += piece
    at += length
  }
  return text
}

function pieceAt(pattern: string, at: number): [expression: string, length: number] {
  const rest = pattern.slice(at)
  if (rest.startsWith('**/')) return ['(?:[^/]+/)*', 3]
  if (rest.startsWith('**')) return ['.*', 2]
  const [char = ''] = rest
  if (char === '*') return ['[^/]*', 1]
  if (char === '?') return ['[^/]', 1]
  const set = /^\[(!?)([^\]/]+)\]/.exec(rest)
  if (set) return [`[${set[1] ? '^/' : ''}${set[2]!.replace(/[\\^]/g, '\\$&')}]`, set[0].length]
  const choice = /^\{([^{}]*,[^{}]*)\}/.exec(rest)
  if (choice) return [`(?:${choice[1]!.split(',').map(source).join('|')})`, choice[0].length]
  return [char.replace(/[\\^$.|+()[\]{}]/g, '\\$&'), 1]
}
