/** What is typed on a device so that it mixes for this network. Pure. */

export interface MixToRun {
  readonly origin: string
  readonly secret: string
  /** What people see in lists. */
  readonly name: string
  readonly role: 'mix' | 'gateway'
  /** What others reach it by; nothing for a trial on this very device. */
  readonly host: string
}

/** The command of the first start, one setting a line; later ones need no token. */
export function mixCommand({ origin, secret, name, role, host }: MixToRun): string {
  const settings = [
    `FOG_JOIN_TOKEN=${secret}`,
    `FOG_MIX_NAME=${quoted(name)}`,
    ...(role === 'gateway' ? ['FOG_MIX_ROLE=gateway'] : []),
    ...(host === '' ? [] : ['FOG_MIX_HOST=0.0.0.0', `FOG_MIX_ADVERTISED_HOST=${host}`]),
  ]
  return `${settings.join(' ')} fog mix run --url ${origin}`
}

/** As a shell takes it for one word, whatever it is. */
function quoted(text: string): string {
  return /^[A-Za-z0-9._-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** What is wrong with a name or address that others are to reach a node by; nothing is wrong with none. */
export function hostProblem(host: string): string | undefined {
  if (host === '' || /^[A-Za-z0-9.:-]{1,253}$/.test(host)) return undefined
  return 'A name or an address, such as mix7.example, without port.'
}
