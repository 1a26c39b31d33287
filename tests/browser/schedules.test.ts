import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectAccessible, expectNoSidewaysScroll, launch, live, logIn, shoot, visit } from './browser.ts'
import { ADA, addDevices, makeAdmin } from './people.ts'
import { type Platform, ROOT, startPlatform } from './platform.ts'

const MANDELBROT = join(ROOT, 'examples', 'mandelbrot')

let platform: Platform
let browser: Browser

beforeAll(async () => {
  ;[platform, browser] = await Promise.all([startPlatform(), launch()])
  await addDevices(platform, await makeAdmin(platform), ['attic'])
})
afterAll(async () => {
  await browser?.close()
  await platform?.stop()
})

const inside = async (path: string, options: Parameters<typeof visit>[2] = {}) => {
  const there = await visit(browser, platform.url, options)
  await logIn(there.page, ADA.name, ADA.password)
  await there.page.goto(path)
  return there
}

describe('a schedule', () => {
  test('is made where jobs are submitted, with its next times to be seen', async () => {
    const { context, page, complaints } = await inside('/jobs')
    await page.getByRole('link', { name: 'Schedules' }).click()
    await page.getByText('No schedules yet').waitFor()
    await expectAccessible(page, 'no schedules')
    await shoot(page, 'schedules-empty')
    await page.getByRole('link', { name: 'New schedule' }).first().click()
    await page.getByLabel('Folder of the job').setInputFiles(MANDELBROT)
    await page.getByText('tokens at most').waitFor()
    const pattern = page.getByLabel('Pattern', { exact: true })
    await pattern.fill('whenever')
    await page.getByText('Five parts: minute').waitFor()
    await page.getByRole('button', { name: 'Schedule the job' }).click()
    expect(await pattern.getAttribute('aria-invalid')).toBe('true')
    await pattern.fill('30 6 * * 1')
    await page.getByLabel('Time zone').fill('Asia/Tokyo')
    const next = page.getByRole('list').filter({ hasText: /06:30/ })
    expect(await next.getByText(/^Mon.*06:30/).count()).toBe(3)
    await expectAccessible(page, 'a job to be scheduled')
    await shoot(page, 'schedule-form')
    await page.getByRole('button', { name: 'Schedule the job' }).click()
    await page.getByRole('heading', { level: 1, name: /^mandelbrot/ }).waitFor()
    await page.getByText('It was not due yet.').waitFor()
    expect(await page.getByText(/^Mon.*06:30/).count()).toBe(5)
    expect(complaints).toEqual([])
    await context.close()
  })

  test.each([
    ['light', false],
    ['dark', true],
  ] as const)('is run now, paused and resumed, %s, on a phone: %s', async (theme, phone) => {
    const { context, page, complaints } = await inside('/schedules', { theme, phone })
    await live(page)
    await expectNoSidewaysScroll(page, 'schedules')
    await expectAccessible(page, 'schedules')
    await shoot(page, `schedules-${phone ? 'phone' : 'desktop'}-${theme}`)
    await page.getByRole('link', { name: 'mandelbrot' }).click()
    const runs = page.getByRole('table', { name: 'Runs of the schedule' })
    await page.getByText(phone ? 'submitted' : 'It was not due yet.', { exact: true }).waitFor()
    const before = await runs.getByText('submitted').count()
    await page.getByRole('button', { name: 'Run now' }).click()
    await page.getByRole('link', { name: 'Open the job' }).first().waitFor()
    await expect.poll(async () => runs.getByText('submitted').count(), { timeout: 20_000 }).toBe(before + 1)
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('It is paused, or never due again.').waitFor()
    await expectNoSidewaysScroll(page, 'a paused schedule')
    await expectAccessible(page, 'a paused schedule')
    await shoot(page, `schedule-${phone ? 'phone' : 'desktop'}-${theme}`)
    await page.getByRole('button', { name: 'Resume' }).click()
    await page
      .getByText(/^Mon.*06:30/)
      .first()
      .waitFor()
    expect(complaints).toEqual([])
    await context.close()
  })

  test('is deleted after a question', async () => {
    const { context, page } = await inside('/schedules')
    await page.getByRole('link', { name: 'mandelbrot' }).click()
    await page.getByRole('button', { name: 'Delete' }).click()
    const asks = page.getByRole('alertdialog', { name: 'Delete mandelbrot?' })
    await expectAccessible(page, 'the question before deleting')
    await asks.getByRole('button', { name: 'Delete it' }).click()
    await page.getByText('No schedules yet').waitFor()
    await context.close()
  })
})

describe('a quota', () => {
  test('is set by an admin, and shown with its use', async () => {
    const { context, page, complaints } = await inside('/admin')
    await page.getByRole('button', { name: 'Change ada' }).click()
    await page.getByRole('menuitem', { name: 'Quota' }).click()
    const dialog = page.getByRole('dialog', { name: 'Quota of ada' })
    await dialog.getByLabel('Open jobs', { exact: true }).fill('many')
    await dialog.getByRole('button', { name: 'Set the limits' }).click()
    await dialog.getByText('A whole number up to 1000000').waitFor()
    await expectAccessible(page, 'a quota')
    await dialog.getByLabel('Open jobs', { exact: true }).fill('7')
    await dialog.getByLabel('Tokens in 24 hours', { exact: true }).fill('250.5')
    await shoot(page, 'quota-set', 'screen')
    await dialog.getByRole('button', { name: 'Set the limits' }).click()
    await page.getByText('Limits of ada are set').waitFor()
    await page.goto('/account?tab=quota')
    await page.getByText(/^\d of 7$/).waitFor()
    await page.getByText(/of 250\.5$/).waitFor()
    expect(await page.getByText('set for this account').count()).toBe(2)
    await expectAccessible(page, 'quotas')
    await shoot(page, 'quota')
    expect(complaints).toEqual([])
    await context.close()
  })
})
