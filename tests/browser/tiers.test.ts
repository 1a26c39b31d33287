import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Client } from '@fog/contract'
import { expectAccessible, expectNoSidewaysScroll, launch, logIn, shoot, visit } from './browser.ts'
import { ADA, addDevices, makeAdmin } from './people.ts'
import { type Platform, startPlatform } from './platform.ts'

const NOOP = readFileSync(new URL('../../packages/idle/fixtures/noop.wasm', import.meta.url))

let platform: Platform
let browser: Browser
let ada: Client

beforeAll(async () => {
  ;[platform, browser] = await Promise.all([startPlatform(), launch()])
  ada = await makeAdmin(platform)
  await addDevices(platform, ada, ['attic'])
  await runSilver()
})
afterAll(async () => {
  await browser?.close()
  await platform?.stop()
})

test.each([
  ['desktop', false],
  ['phone', true],
] as const)('what each tier was given stands beside what it promises, on a %s', async (device, phone) => {
  const { context, page, complaints } = await visit(browser, platform.url, { theme: 'light', phone })
  await logIn(page, ADA.name, ADA.password)
  const table = page.getByRole('table', { name: 'What each tier promises and how it was kept' })
  const silver = table.getByRole('row', { name: /^silver/ })
  await silver.waitFor()
  // Measured where something ran, and said to be unknown where nothing did.
  expect(await silver.textContent()).toMatch(/15\s*min/)
  expect(await silver.getByText('unknown').count()).toBe(0)
  for (const tier of ['platinum', 'gold', 'bronze']) {
    expect(
      await table
        .getByRole('row', { name: new RegExp(`^${tier}`) })
        .getByText('unknown')
        .count(),
    ).toBe(1)
  }
  const [inside, outside] = await Promise.all([table.boundingBox(), table.locator('..').boundingBox()])
  expect(inside!.width, 'no column is cut off').toBeLessThanOrEqual(outside!.width + 1)
  await expectAccessible(page, `tiers on a ${device}`)
  await expectNoSidewaysScroll(page, `tiers on a ${device}`)
  await table.scrollIntoViewIfNeeded()
  await shoot(page, `tiers-${device}`)
  expect(complaints).toEqual([])
  await context.close()
})

async function runSilver(): Promise<void> {
  const digest = createHash('sha256').update(NOOP).digest('hex')
  await ada.raw('putBlob', { params: { digest } }, new Blob([NOOP]))
  const tasks = Array.from({ length: 20 }, (_, i) => ({ item: String(i) }))
  const program = { kind: 'wasm', digest } as const
  const { jobId } = await ada.call('submitJob', { body: { name: 'measured', program, tasks, verify: 'none' } })
  for (let tries = 0; tries < 300; tries += 1) {
    const { status } = await ada.call('getJob', { params: { jobId } })
    if (status === 'succeeded') return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error('the job did not end')
}
