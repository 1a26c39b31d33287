import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { Client } from '@fog/contract'
import { formatExact } from '../../format/format.ts'
import { Button } from '../../parts/button.tsx'
import { CopyBlock } from '../../parts/copy.tsx'
import { Modal } from '../../parts/dialog.tsx'
import { TextField } from '../../parts/field.tsx'
import { Failure, Notice } from '../../parts/notice.tsx'
import { useClient } from '../../session/session-context.tsx'
import { joinCommand, whole } from './join-command.ts'

/** Makes a join token and shows, this once, the command that uses it. */
export function AddDevice({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Modal open={open} onClose={onClose} title="Add a device">
      <AddDeviceForm onClose={onClose} />
    </Modal>
  )
}

type Made = Awaited<ReturnType<typeof makeToken>>

async function makeToken(client: Client, body: { name: string; uses: number; hours: number }) {
  return client.call('addJoinToken', { body })
}

function AddDeviceForm({ onClose }: { onClose: () => void }) {
  const client = useClient()
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [uses, setUses] = useState('1')
  const [hours, setHours] = useState('24')
  const [tried, setTried] = useState(false)
  const make = useMutation({
    mutationFn: async (body: { name: string; uses: number; hours: number }) => makeToken(client, body),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['joinTokens'] }),
  })
  const problems = {
    name: name.trim() === '' ? 'Say what it is for, such as a room or a person.' : undefined,
    uses: whole(uses, 1, 10_000) === undefined ? 'A whole number from 1 to 10000.' : undefined,
    hours: whole(hours, 1, 8760) === undefined ? 'A whole number from 1 to 8760.' : undefined,
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (problems.name || problems.uses || problems.hours) return
    make.mutate({ name: name.trim(), uses: Number(uses), hours: Number(hours) })
  }
  if (make.data) return <Command made={make.data} onClose={onClose} />
  return (
    <form onSubmit={submit} noValidate className="space-y-4">
      <p className="text-sm text-soft">
        A join token lets a device enrol for your account. You are paid for the work it does.
      </p>
      <TextField
        label="Name of the token"
        placeholder="office machines"
        autoComplete="off"
        value={name}
        onChange={(event) => setName(event.target.value)}
        error={tried ? problems.name : undefined}
      />
      <div className="grid grid-cols-2 gap-4">
        <TextField
          label="Devices it lets in"
          inputMode="numeric"
          value={uses}
          onChange={(event) => setUses(event.target.value)}
          error={tried ? problems.uses : undefined}
        />
        <TextField
          label="Hours it is good"
          inputMode="numeric"
          value={hours}
          onChange={(event) => setHours(event.target.value)}
          error={tried ? problems.hours : undefined}
        />
      </div>
      {make.isError && <Failure error={make.error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Not now</Button>
        <Button type="submit" kind="primary" busy={make.isPending}>
          Make the command
        </Button>
      </div>
    </form>
  )
}

function Command({ made, onClose }: { made: Made; onClose: () => void }) {
  const { joinToken, secret } = made
  return (
    <div className="space-y-4">
      <p role="status" className="text-sm text-soft">
        Run this on the device. From a folder with Fog&apos;s sources it is{' '}
        <code className="font-mono text-[0.8125rem]">npm run fog --</code> instead of{' '}
        <code className="font-mono text-[0.8125rem]">fog</code>.
      </p>
      <CopyBlock text={joinCommand(window.location.origin, secret)} label="Copy the join command" />
      <Notice kind="warn">
        The token in it is shown this once. It lets in{' '}
        {joinToken.usesLeft === 1 ? 'one device' : `${joinToken.usesLeft} devices`} until{' '}
        {formatExact(Date.parse(joinToken.expiresAt))}.
      </Notice>
      <div className="flex justify-end">
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </div>
  )
}
