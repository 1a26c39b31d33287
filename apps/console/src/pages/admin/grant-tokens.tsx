import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { UserView } from '@fog/contract'
import { newId, type Rng } from '@fog/kernel'
import { formatTokens } from '../../format/format.ts'
import { grantProblem } from '../../format/user-input.ts'
import { Button } from '../../parts/button.tsx'
import { Modal } from '../../parts/dialog.tsx'
import { TextField } from '../../parts/field.tsx'
import { Failure } from '../../parts/notice.tsx'
import { useSay } from '../../parts/toasts.tsx'
import { useClient } from '../../session/session-context.tsx'

interface GrantTokensProps {
  readonly open: boolean
  readonly user: UserView
  readonly onClose: () => void
}

/** Mints tokens into a user's account. */
export function GrantTokens({ open, user, onClose }: GrantTokensProps) {
  return (
    <Modal open={open} onClose={onClose} title={`Grant tokens to ${user.name}`}>
      <GrantForm user={user} onClose={onClose} />
    </Modal>
  )
}

const RNG: Pick<Rng, 'bytes'> = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) }

function GrantForm({ user, onClose }: Omit<GrantTokensProps, 'open'>) {
  const client = useClient()
  const queries = useQueryClient()
  const say = useSay()
  const [amount, setAmount] = useState('100')
  const [reference, setReference] = useState('')
  const [tried, setTried] = useState(false)
  // Made once for this form: sending it a second time cannot pay a second time.
  const [transferId] = useState(() => newId('transfer', Date.now(), RNG as Rng))
  const grant = useMutation({
    mutationFn: async () =>
      client.call('grant', {
        body: {
          accountId: user.accountId,
          amount: amount.trim(),
          transferId,
          ...(reference.trim() !== '' && { reference: reference.trim() }),
        },
      }),
    onSuccess: () => {
      say('good', `${formatTokens(amount.trim())} tokens for ${user.name}`)
      for (const key of ['me', 'transfers', 'ledgerAudit']) void queries.invalidateQueries({ queryKey: [key] })
      onClose()
    },
  })
  const amountError = grantProblem(amount.trim())
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (!amountError) grant.mutate()
  }
  return (
    <form onSubmit={submit} noValidate className="space-y-4">
      <p className="text-sm text-soft">
        The tokens are new: the ledger books them from its mint, and the audit log keeps who did it.
      </p>
      <TextField
        label="Tokens"
        inputMode="decimal"
        autoComplete="off"
        value={amount}
        onChange={(event) => setAmount(event.target.value)}
        error={tried ? amountError : undefined}
      />
      <TextField
        label="What for"
        autoComplete="off"
        maxLength={200}
        value={reference}
        onChange={(event) => setReference(event.target.value)}
      />
      {grant.isError && <Failure error={grant.error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Not now</Button>
        <Button type="submit" kind="primary" busy={grant.isPending}>
          Grant
        </Button>
      </div>
    </form>
  )
}
