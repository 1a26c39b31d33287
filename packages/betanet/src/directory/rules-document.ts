import { canonicalJson, utf8, type Json } from '@fog/kernel'
import { byteArray, DocumentError, documentForm, integer, list, object } from '../codec.ts'
import { MAX_AUTHORITIES } from './consensus.ts'
import { parametersCodec } from './parameters.ts'
import { checkRules, type DirectoryRules } from './rules.ts'

const LAST_INSTANT = 8_640_000_000_000_000
const MAX_RULES_BYTES = 16_384

const rulesCodec = object({
  network: byteArray(32),
  authorities: list(object({ signingKey: byteArray(32), vrfKey: byteArray(32) }), 1, MAX_AUTHORITIES),
  threshold: integer(1, MAX_AUTHORITIES),
  schedule: object({
    genesisAt: integer(0, LAST_INSTANT),
    epochMs: integer(1),
    closeMs: integer(1),
    roundMs: integer(1),
  }),
  parameters: parametersCodec,
})

/** A network's rules as a document: what nodes and clients pin, and keep over a restart. */
export const rulesForm = documentForm<DirectoryRules>('rules', rulesCodec, MAX_RULES_BYTES)

/** Rules that came as parsed JSON, from a directory's answer say. Throws a `DocumentError`, for rules that nobody may follow too. */
export function readRules(json: Json): DirectoryRules {
  const rules = rulesForm.parse(utf8(canonicalJson(json)))
  try {
    checkRules(rules)
  } catch (cause) {
    const expected = `what can be followed: ${cause instanceof Error ? cause.message : String(cause)}`
    throw new DocumentError(
      { code: 'betanet.document_malformed', document: 'rules', path: 'rules', expected },
      { cause },
    )
  }
  return rules
}
