import { NoiseError } from './noise-error.ts'

/** One step of a handshake message: a key sent, a Diffie-Hellman of two keys, or a shared key mixed in. */
export type Token = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss' | 'psk'

/** Who knows what before, and what each message carries; the initiator writes the first, then by turns. */
export interface Pattern {
  readonly name: string
  /** Whether the other side knows this side's static key beforehand. */
  readonly initiatorKnown: boolean
  readonly responderKnown: boolean
  readonly messages: readonly (readonly Token[])[]
  /** How many shared keys it mixes in. */
  readonly psks: number
}

/** The Noise Protocol Framework, revision 34, sections 7.4 and 7.5. `<` and `>` mark keys known beforehand. */
const FUNDAMENTAL: Readonly<Record<string, string>> = {
  N: '< e,es',
  K: '>< e,es,ss',
  X: '< e,es,s,ss',
  NN: ' e|e,ee',
  NK: '< e,es|e,ee',
  NX: ' e|e,ee,s,es',
  KN: '> e|e,ee,se',
  KK: '>< e,es,ss|e,ee,se',
  KX: '> e|e,ee,se,s,es',
  XN: ' e|e,ee|s,se',
  XK: '< e,es|e,ee|s,se',
  XX: ' e|e,ee,s,es|s,se',
  IN: ' e,s|e,ee,se',
  IK: '< e,es,s,ss|e,ee,se',
  IX: ' e,s|e,ee,se,s,es',
}

/** The pattern of a name such as `XK` or `XXpsk3` (section 9.4). Throws `noise.unknown_pattern`. */
export function parsePattern(name: string): Pattern {
  const [, base = '', modifiers = ''] = /^([A-Z]{1,2})((?:psk\d(?:\+psk\d)*)?)$/.exec(name) ?? []
  const text = FUNDAMENTAL[base]
  if (text === undefined) throw new NoiseError({ code: 'noise.unknown_pattern', name })
  const [known = '', body = ''] = text.split(' ')
  const messages = body.split('|').map((message) => message.split(',') as Token[])
  const places = modifiers === '' ? [] : modifiers.split('+').map((modifier) => Number(modifier.slice(3)))
  for (const place of places) {
    if (place > messages.length || places.indexOf(place) !== places.lastIndexOf(place)) {
      throw new NoiseError({ code: 'noise.unknown_pattern', name })
    }
    if (place === 0) messages[0]!.unshift('psk')
    else messages[place - 1]!.push('psk')
  }
  return {
    name,
    initiatorKnown: known.includes('>'),
    responderKnown: known.includes('<'),
    messages,
    psks: places.length,
  }
}
