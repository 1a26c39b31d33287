import { newId } from '@fog/kernel'
import { expect, test } from 'vitest'
import { hearWorkers } from './accept-result.ts'
import { explainJob } from './explain-job.ts'
import { submitJob } from './submit-job.ts'
import { SmallFog } from './testing/small-fog.ts'

/** A core runs, a gang of two waits for it, and a long task that would fit beside it has to wait for the gang. */
async function fogThatKeepsRoom() {
  const fog = await SmallFog.open({ devices: 1, cores: 2 })
  const submit = (more: Parameters<SmallFog['submission']>[0]) =>
    submitJob(fog.platform, fog.submitter, fog.submission(more))
  await submit({ resources: { wallSeconds: 60 } })
  await fog.place()
  const [sent] = await fog.dispatch()
  await submit({ name: 'both', gang: true, tasks: [{ item: 'a' }, { item: 'b' }], resources: { wallSeconds: 60 } })
  fog.clock.advance(1_000)
  const late = await submit({ name: 'late', resources: { wallSeconds: 3_600 } })
  await fog.place()
  return { fog, late, sent: sent! }
}

test('a task that would delay a gang is told for whom the room is kept, and when that begins', async () => {
  const { fog, late } = await fogThatKeepsRoom()
  expect(await explainJob(fog.platform, late)).toContainEqual({
    code: 'reserved',
    text: 'Room is kept for your job both, which waits longer and is thought to begin in 59 s; this would not be done before.',
    tasks: 1,
  })
})

test('nothing of the job room is kept for shows to another account', async () => {
  const { fog, late } = await fogThatKeepsRoom()
  const accountId = newId('account', fog.clock.now(), fog.rng)
  const reasons = await explainJob(fog.platform, { ...late, accountId })
  expect(reasons.map(({ text }) => text).join()).toContain('a job of another account')
  expect(reasons.map(({ text }) => text).join()).not.toContain('both')
})

test('nothing is kept from a task once the gang has begun', async () => {
  const { fog, late, sent } = await fogThatKeepsRoom()
  await hearWorkers(fog.platform, [fog.result(sent.device, sent.lease)])
  await fog.place()
  const reasons = await explainJob(fog.platform, late)
  expect(reasons.map(({ code }) => code)).not.toContain('reserved')
})
