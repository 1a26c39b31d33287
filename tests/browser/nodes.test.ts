import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectAccessible, launch, live, logIn, shoot, visit, type Visit } from './browser.ts'
import { ADA, makeAdmin } from './people.ts'
import { type Platform, startPlatform } from './platform.ts'

let platform: Platform
let browser: Browser

beforeAll(async () => {
  ;[platform, browser] = await Promise.all([startPlatform(), launch()])
  await makeAdmin(platform)
})
afterAll(async () => {
  await browser?.close()
  await platform?.stop()
})

describe('devices', () => {
  test('one is added with the command shown once, and appears by itself', async () => {
    const { context, page, complaints } = await inside()
    await page.goto('/nodes')
    await page.getByText('No devices yet').waitFor()
    await expectAccessible(page, 'nodes without any')
    await shoot(page, 'nodes-empty')
    await live(page)
    await page.getByRole('button', { name: 'Add a device' }).first().click()
    await page.getByLabel('Name of the token').fill('attic')
    await expectAccessible(page, 'adding a device')
    await page.getByRole('button', { name: 'Make the command' }).click()
    const command =
      (await page
        .getByRole('dialog')
        .getByText(/^fog worker join/)
        .textContent()) ?? ''
    expect(command).toContain(platform.url)
    await shoot(page, 'add-device', 'screen')

    const joinToken = command.split(' ').at(-1) ?? ''
    await platform.runShown(command, { name: 'attic' })
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('link', { name: 'attic' }).waitFor()
    await page.getByRole('table', { name: 'Nodes of this fog' }).getByText('yours').waitFor()
    await page.getByText('used up').waitFor()
    // The secret is nowhere any more.
    expect(await page.content()).not.toContain(joinToken)
    await expectAccessible(page, 'nodes')
    await shoot(page, 'nodes')
    expect(complaints).toEqual([])
    await context.close()
  })

  test('one is drained after a question, and resumed', async () => {
    const { context, page, complaints } = await inside()
    await page.goto('/nodes')
    await page.getByRole('link', { name: 'attic' }).click()
    await page.getByRole('heading', { level: 1, name: /attic/ }).waitFor()
    await expectAccessible(page, 'a node')
    await shoot(page, 'node')
    await page.getByRole('button', { name: 'Drain' }).click()
    const asks = page.getByRole('alertdialog', { name: 'Drain attic?' })
    await expectAccessible(page, 'the question before draining')
    await asks.getByRole('button', { name: 'Drain' }).click()
    await page.getByRole('heading', { level: 1, name: /draining/ }).waitFor()
    await shoot(page, 'node-draining')
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('heading', { level: 1, name: /online|throttled/ }).waitFor()
    expect(complaints).toEqual([])
    await context.close()
  })

  test('what another person does to a node is seen at once', async () => {
    const [first, second] = await Promise.all([inside(), inside()])
    await Promise.all([first.page.goto('/nodes'), second.page.goto('/nodes')])
    await live(first.page)
    await second.page.getByRole('link', { name: 'attic' }).click()
    await second.page.getByRole('button', { name: 'Quarantine' }).click()
    await second.page.getByRole('alertdialog').getByRole('button', { name: 'Quarantine' }).click()
    await first.page.getByText('quarantined', { exact: true }).waitFor()
    await second.page.getByRole('button', { name: 'Resume' }).click()
    await first.page.getByText(/^(online|throttled)$/).waitFor()
    await Promise.all([first.context.close(), second.context.close()])
  })

  test('a join token is revoked', async () => {
    const { context, page } = await inside()
    await page.goto('/nodes?add=true')
    await page.getByLabel('Name of the token').fill('garage')
    await page.getByRole('button', { name: 'Make the command' }).click()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('button', { name: 'Revoke garage' }).click()
    await page
      .getByRole('row', { name: /garage/ })
      .getByText('revoked', { exact: true })
      .waitFor()
    await context.close()
  })
})

describe('keys and people', () => {
  test('an API token is shown once, works with its rights only, and stops when it is revoked', async () => {
    const { context, page, complaints } = await inside()
    await page.goto('/account?tab=tokens')
    await page.getByRole('button', { name: 'New token' }).click()
    await page.getByLabel('Name', { exact: true }).fill('nightly render')
    await page.getByRole('checkbox', { name: /Submit and cancel jobs/ }).uncheck()
    await expectAccessible(page, 'a new token')
    await page.getByRole('button', { name: 'Make the token' }).click()
    await page.getByText('Copy it now').waitFor()
    const secret = (await page.getByRole('dialog').locator('code').textContent()) ?? ''
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('row', { name: /nightly render/ }).waitFor()
    await shoot(page, 'account-tokens')

    const client = platform.client(secret)
    await expect(client.call('listJobs', {})).resolves.toMatchObject({ items: [] })
    await expect(client.call('listUsers', {})).rejects.toMatchObject({ status: 403 })

    await page.getByRole('button', { name: 'Revoke nightly render' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke it' }).click()
    await page
      .getByRole('row', { name: /nightly render/ })
      .getByText('revoked', { exact: true })
      .waitFor()
    await expect(client.call('listJobs', {})).rejects.toMatchObject({ status: 401 })
    expect(complaints).toEqual([])
    await context.close()
  })

  test('an admin adds a member, who logs in, sees no administration, and is disabled', async () => {
    const { context, page } = await inside()
    await page.goto('/admin')
    await page.getByRole('button', { name: 'Add a user' }).click()
    await page.getByLabel('Name', { exact: true }).fill('grace')
    await page.getByLabel('First password').fill('ten thousand lamps')
    await page.getByLabel('Tokens to begin with').fill('12.5')
    await expectAccessible(page, 'adding a user')
    await page.getByRole('dialog').getByRole('button', { name: 'Add the user' }).click()
    await page.getByRole('row', { name: /grace/ }).waitFor()

    const member = await visit(browser, platform.url)
    await logIn(member.page, 'grace', 'ten thousand lamps')
    expect(await member.page.getByRole('link', { name: 'Admin' }).count()).toBe(0)
    await member.page.goto('/account')
    await member.page.getByText('12.5').first().waitFor()
    await live(member.page)

    await page.getByRole('button', { name: 'Change grace' }).click()
    await page.getByRole('menuitem', { name: 'Grant tokens' }).click()
    await page.getByLabel('Tokens', { exact: true }).fill('7.5')
    await page.getByRole('dialog').getByRole('button', { name: 'Grant' }).click()
    await page.getByText('7.5 tokens for grace').waitFor()
    await member.page.reload()
    await member.page
      .getByRole('main')
      .getByText(/^20 ?tokens$/)
      .first()
      .waitFor()

    await page.getByRole('button', { name: 'Change grace' }).click()
    await page.getByRole('menuitem', { name: 'Disable' }).click()
    await page.getByRole('row', { name: /grace/ }).getByText('disabled').waitFor()
    await member.page.reload()
    await member.page.getByRole('heading', { name: 'Log in' }).waitFor()
    await Promise.all([context.close(), member.context.close()])
  })

  test('the ledger is audited on request, and the audit log tells who did what', async () => {
    const { context, page } = await inside()
    await page.goto('/admin?tab=ledger')
    await page.getByText('The books are sound.').waitFor()
    await shoot(page, 'admin-ledger')
    await page.getByRole('tab', { name: 'Audit log' }).click()
    await page.getByRole('table', { name: 'Audit log' }).getByText('User logged in').first().waitFor()
    await shoot(page, 'admin-audit')
    await context.close()
  })

  test('a new password ends the other log-ins', async () => {
    const [here, there] = await Promise.all([inside(), inside()])
    await here.page.goto('/account?tab=password')
    await here.page.getByLabel('Password now').fill(ADA.password)
    await here.page.getByLabel('New password').fill('another calm morning')
    await here.page.getByRole('button', { name: 'Change the password' }).click()
    await here.page.getByText('Your password was changed').waitFor()
    await there.page.reload()
    await there.page.getByRole('heading', { name: 'Log in' }).waitFor()
    await here.page.getByLabel('Password now').fill('another calm morning')
    await here.page.getByLabel('New password').fill(ADA.password)
    await here.page.getByRole('button', { name: 'Change the password' }).click()
    await here.page.goto('/account?tab=log-ins')
    await here.page.getByText('this one').waitFor()
    await expectAccessible(here.page, 'log-ins')
    await Promise.all([here.context.close(), there.context.close()])
  })
})

async function inside(options: Parameters<typeof visit>[2] = {}): Promise<Visit> {
  const visited = await visit(browser, platform.url, options)
  await logIn(visited.page, ADA.name, ADA.password)
  return visited
}
