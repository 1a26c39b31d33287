import { join } from 'node:path'
import { readFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '@fog/contract'
import { expectAccessible, expectNoSidewaysScroll, launch, live, logIn, shoot, visit, type Visit } from './browser.ts'
import { ADA, addDevices, makeAdmin } from './people.ts'
import { type Platform, ROOT, startPlatform } from './platform.ts'

const MANDELBROT = join(ROOT, 'examples', 'mandelbrot')
const WORKING_MS = 120_000

let platform: Platform
let browser: Browser
let ada: Client

beforeAll(async () => {
  ;[platform, browser] = await Promise.all([startPlatform(), launch()])
  ada = await makeAdmin(platform)
  await addDevices(platform, ada, ['attic', 'kitchen'])
})
afterAll(async () => {
  await browser?.close()
  await platform?.stop()
})

describe('the mandelbrot example', () => {
  test('is submitted by its folder, watched until it is done, and looked at', async () => {
    const { context, page, complaints } = await inside()
    await page.goto('/jobs/new')
    await live(page)
    await page.getByLabel('Folder of the job').setInputFiles(MANDELBROT)
    await page.getByText('tokens at most').waitFor()
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('mandelbrot')
    expect(await page.getByText('Matches 16 chosen files.').isVisible()).toBe(true)
    await expectAccessible(page, 'a filled submit form')
    await shoot(page, 'submit-filled')

    await page.getByRole('button', { name: 'Submit the job' }).click()
    await page.waitForURL(/\/jobs\/job_/)
    const progress = page.getByRole('progressbar', { name: 'Progress of mandelbrot' })
    const seen = await watch(progress, async () =>
      page.getByRole('main').getByText('succeeded', { exact: true }).isVisible(),
    )
    expect(seen.size, `the progress moved while nobody touched the page: ${[...seen].join(', ')}`).toBeGreaterThan(2)
    expect(await progress.getAttribute('aria-valuetext')).toBe('16 of 16 tasks done')

    await page.getByRole('img', { name: 'The picture made of 16 of 16 tiles' }).waitFor()
    expect(await coloursOf(page), 'colours in the picture').toBeGreaterThan(1000)
    await expectAccessible(page, 'a finished job')
    await shoot(page, 'job-done')

    await page.getByRole('tab', { name: 'Receipt' }).click()
    await page.getByText('Settled: nothing will change any more.').waitFor()
    const receipt = page.getByRole('table', { name: 'Who ran mandelbrot' })
    await receipt.getByRole('link').first().waitFor()
    await expectAccessible(page, 'a receipt')
    await shoot(page, 'job-receipt')

    await page.getByRole('tab', { name: 'Timeline' }).click()
    await page.getByRole('table', { name: 'Work by node' }).waitFor()
    await expectAccessible(page, 'a timeline')
    await shoot(page, 'job-timeline')
    expect(complaints).toEqual([])
    await context.close()
  })

  test('shows one task with what it printed, its picture and who ran it', async () => {
    const { context, page, complaints } = await inside()
    await openLatestJob(page)
    await page.getByRole('link', { name: '/in/r1-c2.json' }).click()
    const sheet = page.getByRole('dialog', { name: '/in/r1-c2.json' })
    await sheet.getByRole('img', { name: 'Picture tile.ppm' }).waitFor()
    await sheet.getByText('256 × 256 pixels').waitFor()
    await expect.poll(async () => sheet.getByRole('log').textContent()).toContain('row 1 column 2')
    await sheet.getByRole('button', { name: 'Show stdout' }).click()
    await expect
      .poll(async () => sheet.getByRole('region', { name: 'Text of stdout' }).textContent())
      .toContain('steps')
    expect(await sheet.getByText('accepted', { exact: true }).isVisible()).toBe(true)
    await expectAccessible(page, 'an open task')
    await shoot(page, 'task', 'screen')

    // The address holds the open task, and Escape closes it with the focus back where it was.
    expect(new URL(page.url()).searchParams.get('task')).toMatch(/^task_/)
    await page.keyboard.press('Escape')
    await sheet.waitFor({ state: 'hidden' })
    await expect.poll(async () => page.evaluate(() => document.activeElement?.textContent)).toBe('/in/r1-c2.json')
    expect(complaints).toEqual([])
    await context.close()
  })

  test('gives all its results as one archive', async () => {
    const { context, page } = await inside()
    await openLatestJob(page)
    await page.getByRole('tab', { name: 'Results' }).click()
    const arrives = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download all' }).click()
    const download = await arrives
    expect(download.suggestedFilename()).toBe('mandelbrot.zip')
    const archive = await readFile(await download.path())
    expect(archive.subarray(0, 4).toString('latin1')).toBe('PK\u0003\u0004')
    // Sixteen pictures and what each task printed.
    expect(archive.readUInt16LE(archive.length - 12)).toBe(32)
    await context.close()
  })
})

describe('a job that is written by hand', () => {
  test('keeps its fields and its text in step', async () => {
    const { context, page } = await inside()
    await page.goto('/jobs/new')
    const text = page.getByLabel('Job document')
    await page.getByLabel('Name', { exact: true }).fill('counting')
    await page.getByText('Numbers', { exact: true }).click()
    await page.getByLabel('Up to, but not').fill('12')
    await expect.poll(async () => text.inputValue()).toContain('name: counting')
    expect(await text.inputValue()).toMatch(/range:\s+- 0\s+- 12/)

    await text.fill(
      'name: from-text\nprogram: { kind: wasm, file: a.wasm }\neach: { values: [red, green] }\ntier: gold\n',
    )
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('from-text')
    expect(await page.getByRole('textbox', { name: 'Values' }).inputValue()).toBe('red\ngreen')
    expect(await page.getByLabel('Tier').inputValue()).toBe('gold')

    await text.fill('name: from-text\nprogram: { kind: wasm, file: a.wasm }\nresources: { cores: many }\n')
    await page.getByText('Line 3: A number above 0, at most 1024.').waitFor()
    await expectAccessible(page, 'a document with a fault')
    await context.close()
  })

  test('says what is missing where it is missing, and takes the eye there', async () => {
    const { context, page } = await inside()
    await page.goto('/jobs/new')
    await page.getByRole('button', { name: 'Submit the job' }).click()
    await page.getByText('Something is still missing:').waitFor()
    expect(await page.getByLabel('Name', { exact: true }).getAttribute('aria-invalid')).toBe('true')
    await expect
      .poll(async () => page.evaluate(() => document.activeElement?.getAttribute('aria-invalid')))
      .toBe('true')
    await expectAccessible(page, 'a submit form with faults')
    await shoot(page, 'submit-faults')
    await context.close()
  })

  test('is refused with sentences while it is written: too dear, too large, no program at all', async () => {
    const { context, page } = await inside()
    await page.goto('/jobs/new')
    await page.getByLabel('Folder of the job').setInputFiles(MANDELBROT)
    await page.getByText('tokens at most').waitFor()
    await page.getByLabel('Budget, tokens').fill('0.001')
    await page
      .getByText(/The job could cost up to .* tokens, and its budget is 0.001/)
      .first()
      .waitFor()
    await page.getByLabel('Cores').fill('900')
    await expect
      .poll(async () => page.getByText('It would not be taken:').locator('..').getByRole('listitem').count())
      .toBeGreaterThan(1)
    await shoot(page, 'submit-refused')

    await page.getByRole('button', { name: 'Submit the job' }).click()
    await page.getByRole('alert').last().waitFor()
    expect(page.url()).toContain('/jobs/new')
    await context.close()
  })

  test('is cancelled only when asked twice, and its tokens come back', async () => {
    const { context, page } = await inside()
    await page.goto('/jobs/new')
    await page.getByLabel('Folder of the job').setInputFiles(MANDELBROT)
    await page.getByText('tokens at most').waitFor()
    await page.getByLabel('Name', { exact: true }).fill('to be cancelled')
    // No device takes anything new, so the job waits until it is cancelled.
    await setDuty('draining')
    await page.getByText('tokens at most').waitFor()
    await page.getByRole('button', { name: 'Submit the job' }).click()
    await page.waitForURL(/\/jobs\/job_/)
    await page.getByText('Why it waits').waitFor()
    await shoot(page, 'job-waits')

    const cancel = page.getByRole('button', { name: 'Cancel the job' })
    await cancel.click()
    const asks = page.getByRole('alertdialog', { name: 'Cancel to be cancelled?' })
    await asks.waitFor()
    await expectAccessible(page, 'the question before cancelling')
    await asks.getByRole('button', { name: 'Let it run' }).click()
    await asks.waitFor({ state: 'hidden' })
    await cancel.click()
    await asks.getByRole('button', { name: 'Cancel the job' }).click()
    await page.getByRole('main').getByText('cancelled', { exact: true }).first().waitFor()

    await page.getByRole('tab', { name: 'Receipt' }).click()
    await page.getByText('Settled: nothing will change any more.').waitFor()
    const returned = page.getByText('Returned', { exact: true }).locator('..')
    await expect.poll(async () => returned.textContent()).toContain('3.84')
    await shoot(page, 'job-cancelled')
    await setDuty('active')
    await context.close()
  })
})

describe('a program that goes wrong', () => {
  test('is shown with its one reason, what it printed, and its tokens back', async () => {
    const { context, page, complaints } = await inside()
    await submitText(page, 'trap', 'name: a trap\neach: { range: [0, 2] }')
    await page.getByRole('main').getByText('failed', { exact: true }).first().waitFor()
    const reason = (await page.getByRole('alert').first().textContent()) ?? ''
    expect(reason.length).toBeGreaterThan(20)
    await page.getByRole('link', { name: '0', exact: true }).click()
    const sheet = page.getByRole('dialog')
    await expect.poll(async () => sheet.getByRole('log').textContent()).toContain('before the trap')
    expect(await sheet.getByRole('alert').textContent()).toBe(reason)
    await expectAccessible(page, 'a failed task')
    await shoot(page, 'task-failed', 'screen')
    await page.keyboard.press('Escape')
    await page.getByRole('tab', { name: 'Receipt' }).click()
    await page.getByText('Settled: nothing will change any more.').waitFor()
    await page.getByText('No work was accepted, so nobody was paid.').waitFor()
    await shoot(page, 'job-failed')
    expect(complaints).toEqual([])
    await context.close()
  })

  test('what a task prints comes into its open log by itself', async () => {
    const { context, page } = await inside()
    await submitText(page, 'sleep', 'name: a nap\nargs: ["6000"]')
    await page.getByRole('link', { name: 'Task 0' }).click()
    const sheet = page.getByRole('dialog')
    await sheet.getByText('running', { exact: true }).first().waitFor()
    await sheet.getByText('Nothing printed yet.').waitFor()
    await expect.poll(async () => sheet.getByRole('log').textContent(), { timeout: 30_000 }).toMatch(/^6\d{3}/)
    await sheet.getByText('accepted', { exact: true }).waitFor()
    await context.close()
  })
})

describe('on a phone', () => {
  test('a job, its task and the form fit the width', async () => {
    const { context, page, complaints } = await inside({ phone: true, theme: 'dark' })
    await openLatestJob(page)
    await expectNoSidewaysScroll(page, 'a job')
    await expectAccessible(page, 'a job on a phone in the dark')
    await shoot(page, 'job-phone-dark')
    await page.getByRole('link', { name: '/in/r0-c0.json' }).click()
    await page.getByRole('dialog').waitFor()
    await expectNoSidewaysScroll(page, 'a task')
    await shoot(page, 'task-phone-dark', 'screen')
    await page.getByRole('button', { name: 'Close' }).click()
    for (const tab of ['Results', 'Receipt', 'Timeline', 'Details']) {
      await page.getByRole('tab', { name: tab }).click()
      await expectNoSidewaysScroll(page, tab)
    }
    await page.goto('/jobs/new')
    await page.getByRole('heading', { name: 'Submit a job' }).waitFor()
    await expectNoSidewaysScroll(page, 'the submit form')
    expect(complaints).toEqual([])
    await context.close()
  })
})

/** Submits one of the small programs that the sandbox is tested with, written as text. */
async function submitText(page: Page, program: string, text: string): Promise<void> {
  await page.goto('/jobs/new')
  await page.getByLabel('Files of the job').setInputFiles(join(ROOT, 'packages', 'idle', 'fixtures', `${program}.wasm`))
  await page.getByLabel('Job document').fill(`${text}\nprogram: { kind: wasm, file: ${program}.wasm }\nverify: none\n`)
  await page.getByText('tokens at most').waitFor()
  await page.getByRole('button', { name: 'Submit the job' }).click()
  await page.waitForURL(/\/jobs\/job_/)
}

async function setDuty(duty: 'active' | 'draining'): Promise<void> {
  const { items } = await ada.call('listNodes', {})
  for (const { nodeId } of items) await ada.call('setNodeDuty', { params: { nodeId }, body: { duty } })
}

async function inside(options: Parameters<typeof visit>[2] = {}): Promise<Visit> {
  const visited = await visit(browser, platform.url, options)
  await logIn(visited.page, ADA.name, ADA.password)
  return visited
}

/** Opens the mandelbrot job that the first test submitted. */
async function openLatestJob(page: Page): Promise<void> {
  await page.goto('/jobs?status=succeeded')
  await page.getByRole('link', { name: 'mandelbrot' }).first().click()
  await page.getByRole('tab', { name: 'Tasks' }).waitFor()
  await page.getByRole('link', { name: '/in/r0-c0.json' }).waitFor()
}

/** Every text a progress bar showed until `isOver`. */
async function watch(
  progress: import('playwright-core').Locator,
  isOver: () => Promise<boolean>,
): Promise<Set<string>> {
  const seen = new Set<string>()
  const deadline = Date.now() + WORKING_MS
  while (!(await isOver())) {
    seen.add((await progress.getAttribute('aria-valuetext')) ?? '')
    if (Date.now() > deadline) throw new Error(`the job was not done in time: ${[...seen].join(', ')}`)
    await progress.page().waitForTimeout(50)
  }
  return seen
}

/** How many colours the picture has: a blank one has one. */
async function coloursOf(page: Page): Promise<number> {
  return page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('canvas[aria-label^="The picture"]')!
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
    return new Set(new Uint32Array(data.buffer)).size
  })
}
