import type { PreparedJob } from '@fog/sdk'
import { CliError } from './cli-error.ts'
import type { Invocation } from './invocation.ts'

/** Before anything is sent: a secret job goes through the mixnet, asked for or not. */
export async function hideIfSecret(it: Invocation, { submission }: PreparedJob): Promise<void> {
  if (submission.privacy !== 'secret' || it.mixnet) return
  await it.note('The job is secret: it travels through the mixnet.')
  it.goThroughMixnet()
}

/** Throws `cli.secret_schedule`, before anything is sent. */
export function refuseSecretSchedule({ submission }: PreparedJob): void {
  if (submission.privacy === 'secret') throw new CliError({ code: 'cli.secret_schedule' })
}
