/**
 * Writes a ZIP archive without compression (PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16): results are most
 * often pictures or small texts, and the content stays where the browser keeps it.
 */

export interface ZipEntry {
  /** Relative, with `/`; made safe by `safePath`. */
  readonly name: string
  readonly content: Blob
  readonly crc32: number
}

const LOCAL = 0x04034b50
const CENTRAL = 0x02014b50
const END = 0x06054b50
const VERSION = 20
/** Names are UTF-8. */
const FLAGS = 0x0800
/** 1980-01-01, the first day the format knows: archives of the same results are the same bytes. */
const DOS_DATE = 0x21
/** Beyond this the format needs its 64-bit form. */
export const MAX_ZIP_BYTES = 0xffffffff
export const MAX_ZIP_ENTRIES = 0xffff

/** The archive. Throws a `RangeError` when it does not fit the format. */
export function zip(entries: readonly ZipEntry[]): Blob {
  if (entries.length > MAX_ZIP_ENTRIES)
    throw new RangeError('There are too many files for one archive. Use fog get instead.')
  const parts: BlobPart[] = []
  const directory: Uint8Array<ArrayBuffer>[] = []
  let offset = 0
  for (const entry of entries) {
    const name = new TextEncoder().encode(entry.name)
    const common = commonFields(entry, name.length)
    parts.push(record(30, LOCAL, [[4, VERSION, 2], ...shifted(common, 6)]), name, entry.content)
    directory.push(
      record(46, CENTRAL, [[4, VERSION, 2], [6, VERSION, 2], ...shifted(common, 8), [42, offset, 4]]),
      name,
    )
    offset += 30 + name.length + entry.content.size
    if (offset > MAX_ZIP_BYTES) throw new RangeError('The results are too large for one archive. Use fog get instead.')
  }
  const directoryBytes = directory.reduce((sum, part) => sum + part.length, 0)
  const end = record(22, END, [
    [8, entries.length, 2],
    [10, entries.length, 2],
    [12, directoryBytes, 4],
    [16, offset, 4],
  ])
  return new Blob([...parts, ...directory, end], { type: 'application/zip' })
}

type Field = readonly [at: number, value: number, bytes: 2 | 4]

// The fields from the general purpose flag to the length of the extra field, alike in both headers.
function commonFields({ content, crc32 }: ZipEntry, nameLength: number): readonly Field[] {
  return [
    [0, FLAGS, 2],
    [6, DOS_DATE, 2],
    [8, crc32, 4],
    [12, content.size, 4],
    [16, content.size, 4],
    [20, nameLength, 2],
  ]
}

function shifted(fields: readonly Field[], by: number): Field[] {
  return fields.map(([at, value, bytes]) => [at + by, value, bytes])
}

function record(size: number, signature: number, fields: readonly Field[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, signature, true)
  for (const [at, value, length] of fields) {
    if (length === 2) view.setUint16(at, value, true)
    else view.setUint32(at, value, true)
  }
  return bytes
}

const FORBIDDEN = '<>:"|?*\u007f'

/** A relative path that stays below its folder, whatever a program called its file. */
export function safePath(path: string): string {
  const parts = path.split(/[/\\]/).filter((part) => part !== '' && part !== '.' && part !== '..')
  return (
    parts
      .map((part) =>
        Array.from(part)
          .map((char) => (char < ' ' || FORBIDDEN.includes(char) ? '_' : char))
          .join(''),
      )
      .join('/') || '_'
  )
}

/** CRC-32 (ISO 3309), as ZIP and PNG use it. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!
  return (crc ^ 0xffffffff) >>> 0
}

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})
