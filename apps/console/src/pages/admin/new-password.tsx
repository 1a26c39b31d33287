import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { UserView } from '@fog/contract'
import { passwordProblem } from '../../format/user-input.ts'
import { Button } from '../../parts/button.tsx'
import { Modal } from '../../parts/dialog.tsx'
import { TextField } from '../../parts/field.tsx'
import { Failure } from '../../parts/notice.tsx'
import { useSay } from '../../parts/toasts.tsx'
import { useClient } from '../../session/session-context.tsx'

interface NewPasswordProps {
  readonly open: boolean
  readonly user: UserView
  readonly onClose: () => void
}

/** Sets a password for somebody who lost theirs. */
export function NewPassword({ open, user, onClose }: NewPasswordProps) {
  return (
    <Modal open={open} onClose={onClose} title={`New password for ${user.name}`}>
      <NewPasswordForm user={user} onClose={onClose} />
    </Modal>
  )
}

function NewPasswordForm({ user, onClose }: Omit<NewPasswordProps, 'open'>) {
  const client = useClient()
  const say = useSay()
  const [password, setPassword] = useState('')
  const [tried, setTried] = useState(false)
  const set = useMutation({
    mutationFn: async () => client.call('changeUser', { params: { userId: user.userId }, body: { password } }),
    onSuccess: () => {
      say('good', `${user.name} has a new password`)
      onClose()
    },
  })
  const problem = passwordProblem(password)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (!problem) set.mutate()
  }
  return (
    <form onSubmit={submit} noValidate className="space-y-4">
      <TextField
        label="New password"
        type="password"
        autoComplete="new-password"
        hint="At least 10 characters. Tell it to them in person."
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        error={tried ? problem : undefined}
      />
      {set.isError && <Failure error={set.error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Not now</Button>
        <Button type="submit" kind="primary" busy={set.isPending}>
          Set the password
        </Button>
      </div>
    </form>
  )
}
