import { assert } from './errors.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

/**
 * One text for one value, so that two machines sign the same bytes: JSON Canonicalization Scheme, RFC 8785.
 * Keys sorted by UTF-16 code units, no white space, absent keys left out. Numbers must be finite.
 */
export function canonicalJson(value: Json): string {
  if (typeof value === 'number') assert(Number.isFinite(value), 'canonical JSON holds finite numbers only')
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`
  // Sorting without a comparison is by UTF-16 code units. Plainly written, as every result that comes in passes here.
  let fields = ''
  for (const key of Object.keys(value).sort()) {
    const field = value[key]
    if (field !== undefined) fields += `${fields && ','}${JSON.stringify(key)}:${canonicalJson(field)}`
  }
  return `{${fields}}`
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
