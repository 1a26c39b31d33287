import { sentenceOf } from '../../format/format.ts'

const WORDS: Readonly<Record<string, string>> = {
  mint: 'Granted',
  hold: 'Put on hold for a job',
  settle: 'A job was settled',
  release: 'A hold was released',
  transfer: 'Transferred',
  burn: 'Burned',
}

/** What a kind of transfer means; a kind nobody taught the console reads as a word. */
export function transferWords(kind: string): string {
  return WORDS[kind] ?? sentenceOf(kind)
}
