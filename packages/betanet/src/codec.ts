import { canonicalJson, equalBytes, FogError, fromBase64Url, fromUtf8, toBase64Url, utf8, type Json } from '@fog/kernel'

/** A document from outside that is not what it should be. Nothing of it has been used. */
export class DocumentError extends FogError<
  | { code: 'betanet.document_malformed'; document: string; path: string; expected: string }
  | { code: 'betanet.document_too_large'; document: string; bytes: number; most: number }
> {
  static override readonly texts = {
    'betanet.document_malformed': {
      says: 'The {document} is malformed at "{path}": expected {expected}.',
      fix: 'Ask its sender for a document of the version that this fog speaks.',
    },
    'betanet.document_too_large': {
      says: 'The {document} has {bytes} bytes, more than the {most} allowed.',
      fix: 'Ask its sender for a smaller one.',
    },
  }
}

/** One kind of value in two forms: as the program holds it, and as JSON. */
export interface Codec<T> {
  /** Throws a `Mismatch` when the JSON is not of this kind. */
  read(json: unknown, path: string): T
  write(value: T): Json
}

export type Value<C> = C extends Codec<infer T> ? T : never

class Mismatch extends Error {
  readonly path: string
  readonly expected: string

  constructor(path: string, expected: string) {
    super(`${path}: expected ${expected}`)
    this.path = path
    this.expected = expected
  }
}

export function integer(least: number, most: number = Number.MAX_SAFE_INTEGER): Codec<number> {
  return {
    read: (json, path) => {
      if (typeof json === 'number' && Number.isSafeInteger(json) && json >= least && json <= most) return json
      throw new Mismatch(path, `a whole number from ${least} to ${most}`)
    },
    write: (value) => value,
  }
}

/** Bytes of one fixed length, as unpadded base64url. */
export function byteArray(length: number): Codec<Uint8Array> {
  return {
    read: (json, path) => {
      const bytes = typeof json === 'string' && json.length <= 2 * length ? fromBase64Url(json) : undefined
      if (bytes?.length === length) return bytes
      throw new Mismatch(path, `${length} bytes in base64url`)
    },
    write: toBase64Url,
  }
}

export function text(pattern: RegExp, expected: string): Codec<string> {
  return {
    read: (json, path) => {
      if (typeof json === 'string' && json.length <= MAX_TEXT && pattern.test(json)) return json
      throw new Mismatch(path, expected)
    },
    write: (value) => value,
  }
}

/** Longer texts occur in no document. */
const MAX_TEXT = 512

export function oneOf<const T extends string | number>(...values: readonly T[]): Codec<T> {
  return {
    read: (json, path) => {
      const found = values.find((value) => value === json)
      if (found !== undefined) return found
      throw new Mismatch(path, values.map((value) => JSON.stringify(value)).join(' or '))
    },
    write: (value) => value,
  }
}

export function flag(): Codec<boolean> {
  return {
    read: (json, path) => {
      if (typeof json === 'boolean') return json
      throw new Mismatch(path, 'true or false')
    },
    write: (value) => value,
  }
}

export function list<T>(of: Codec<T>, least: number, most: number): Codec<readonly T[]> {
  return {
    read: (json, path) => {
      if (!Array.isArray(json) || json.length < least || json.length > most)
        throw new Mismatch(path, `a list of ${least} to ${most}`)
      return json.map((item, i) => of.read(item, `${path}[${i}]`))
    },
    write: (values) => values.map((value) => of.write(value)),
  }
}

/** Absent as null: a document names all its fields. */
export function maybe<T>(of: Codec<T>): Codec<T | undefined> {
  return {
    read: (json, path) => (json === null ? undefined : of.read(json, path)),
    write: (value) => (value === undefined ? null : of.write(value)),
  }
}

type Fields = Readonly<Record<string, Codec<never>>>
type Shape<F> = { readonly [K in keyof F]: F[K] extends Codec<infer T> ? T : never }

/** Exactly these fields. */
export function object<const F extends { readonly [K in keyof F]: Codec<unknown> | Codec<never> }>(
  fields: F,
): Codec<Shape<F>> {
  const codecs = Object.entries(fields as Fields)
  return {
    read: (json, path) => {
      if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new Mismatch(path, 'an object')
      const found = new Map(Object.entries(json))
      if (found.size !== codecs.length) throw new Mismatch(path, `the fields ${Object.keys(fields).join(', ')}`)
      const read = codecs.map(([name, codec]) => {
        if (!found.has(name)) throw new Mismatch(`${path}.${name}`, 'a field of this name')
        return [name, codec.read(found.get(name), `${path}.${name}`)]
      })
      // Each field was read by the codec that the shape names for it.
      return Object.fromEntries(read) as Shape<F>
    },
    write: (value) => {
      const values = value as Readonly<Record<string, never>>
      return Object.fromEntries(codecs.map(([name, codec]) => [name, codec.write(values[name]!)]))
    },
  }
}

/** A whole document: its codec, its name in errors and its largest size. There is one encoding of each value. */
export interface DocumentForm<T> {
  encode(value: T): Uint8Array
  /** Throws a `DocumentError`. What it returns encodes to the very bytes given. */
  parse(bytes: Uint8Array): T
}

export function documentForm<T>(document: string, codec: Codec<T>, maxBytes: number): DocumentForm<T> {
  const encode = (value: T) => utf8(canonicalJson(codec.write(value)))
  const malformed = (path: string, expected: string) =>
    new DocumentError({ code: 'betanet.document_malformed', document, path, expected })
  return {
    encode,
    parse: (bytes) => {
      if (bytes.length > maxBytes)
        throw new DocumentError({ code: 'betanet.document_too_large', document, bytes: bytes.length, most: maxBytes })
      const value = readOrThrow(() => codec.read(parseJson(bytes), document), malformed)
      if (!equalBytes(encode(value), bytes)) throw malformed(document, 'canonical JSON')
      return value
    },
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes)) as unknown
  } catch {
    throw new Mismatch('', 'JSON')
  }
}

function readOrThrow<T>(read: () => T, malformed: (path: string, expected: string) => DocumentError): T {
  try {
    return read()
  } catch (fault) {
    if (fault instanceof Mismatch) throw malformed(fault.path, fault.expected)
    throw fault
  }
}
