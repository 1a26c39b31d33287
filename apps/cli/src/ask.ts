import * as prompts from '@clack/prompts'
import { CliError } from './cli-error.ts'
import { Interrupted } from './exit-code.ts'
import type { Invocation } from './invocation.ts'

/** What a person is asked for on a terminal. */

export async function askText(message: string, initialValue?: string): Promise<string> {
  const answer = await prompts.text({
    message,
    ...(initialValue !== undefined && { initialValue }),
    validate: (value) => (value === undefined || value.trim() === '' ? 'It must not be empty.' : undefined),
    output: process.stderr,
  })
  return (await notCancelled(answer)).trim()
}

/** Typed in secret on a terminal, or all of standard input. Throws `cli.password_needed` where there is neither. */
export async function askPassword(it: Invocation, message: string, fromStdin: boolean | undefined): Promise<string> {
  if (fromStdin) return (await firstLine(it.terminal.stdin)).replace(/\r$/, '')
  if (!it.terminal.stdin.isTerminal) throw new CliError({ code: 'cli.password_needed' })
  return notCancelled(await prompts.password({ message, output: process.stderr }))
}

/** The same, typed twice. */
export async function askNewPassword(it: Invocation, fromStdin: boolean | undefined): Promise<string> {
  const password = await askPassword(it, 'Password (at least 10 characters)', fromStdin)
  if (fromStdin || (await askPassword(it, 'The same again', false)) === password) return password
  throw new CliError({ code: 'cli.usage', why: 'The two passwords are not the same. Try again.' })
}

async function notCancelled(answer: string | symbol): Promise<string> {
  if (typeof answer === 'string') return answer
  throw new Interrupted('Nothing was changed.')
}

async function firstLine(input: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const part of input) text += decoder.decode(part, { stream: true })
  return text.split('\n')[0] ?? ''
}
