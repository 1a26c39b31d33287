/** What is wrong with a name to log in with, as the contract wants it; undefined when nothing is. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'Choose a name.'
  if (/^[a-z0-9][a-z0-9._-]{1,38}$/.test(name)) return undefined
  return 'Use 2 to 39 lower-case letters, digits, dots, dashes or underscores, the first a letter or digit.'
}

export function passwordProblem(password: string): string | undefined {
  if (password.length < 10) return 'Use at least 10 characters.'
  return password.length > 200 ? 'Use at most 200 characters.' : undefined
}

/** An amount to grant: tokens above nothing, with at most six decimals. */
export function grantProblem(tokens: string): string | undefined {
  if (/^\d{1,15}(\.\d{1,6})?$/.test(tokens) && /[1-9]/.test(tokens)) return undefined
  return 'A number of tokens above 0, with at most six decimals.'
}
