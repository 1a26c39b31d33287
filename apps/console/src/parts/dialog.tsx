import { AlertDialog } from '@base-ui/react/alert-dialog'
import { Dialog } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button, buttonClass, type ButtonKind } from './button.tsx'
import { Failure } from './notice.tsx'

const BACKDROP =
  'fixed inset-0 z-40 bg-veil transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0'
const POPUP =
  'fixed inset-x-3 top-1/2 z-50 mx-auto flex max-h-[calc(100dvh-2rem)] max-w-lg -translate-y-1/2 flex-col overflow-y-auto rounded-2xl border border-line bg-surface p-5 shadow-float transition duration-150 data-ending-style:scale-[0.98] data-ending-style:opacity-0 data-starting-style:scale-[0.98] data-starting-style:opacity-0 sm:p-6'

interface ModalProps {
  readonly open: boolean
  readonly onClose: () => void
  readonly title: string
  readonly children: ReactNode
}

/** A dialog in the middle. Escape, the cross and a click beside it close it. */
export function Modal({ open, onClose, title, children }: ModalProps) {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={BACKDROP} />
        <Dialog.Popup className={POPUP}>
          <div className="mb-3 flex items-start justify-between gap-4">
            <Dialog.Title className="text-lg font-semibold tracking-[-0.01em]">{title}</Dialog.Title>
            <CloseCross />
          </div>
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

/** A sheet from the right, the whole width on a phone. */
export function Sheet({ open, onClose, title, note, children }: ModalProps & { readonly note?: ReactNode }) {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={BACKDROP} />
        <Dialog.Popup className="fixed inset-y-0 right-0 z-50 flex w-full max-w-2xl flex-col border-l border-line bg-paper shadow-float transition duration-200 ease-out data-ending-style:translate-x-8 data-ending-style:opacity-0 data-starting-style:translate-x-8 data-starting-style:opacity-0">
          <header className="flex items-start justify-between gap-4 border-b border-line bg-surface px-4 py-3.5 sm:px-5">
            <div className="min-w-0">
              <Dialog.Title className="text-lg font-semibold tracking-[-0.01em] break-words">{title}</Dialog.Title>
              {note && <div className="text-sm text-soft">{note}</div>}
            </div>
            <CloseCross />
          </header>
          <div className="min-h-0 flex-1 space-y-4 overflow-y-auto p-4 sm:p-5">{children}</div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

function CloseCross() {
  return (
    <Dialog.Close
      aria-label="Close"
      className="-mt-1 -mr-1.5 inline-flex size-9 shrink-0 items-center justify-center rounded-lg text-soft transition-colors hover:bg-sunken hover:text-ink"
    >
      <X size={18} aria-hidden="true" />
    </Dialog.Close>
  )
}

interface ConfirmProps {
  readonly open: boolean
  readonly onClose: () => void
  readonly title: string
  readonly children: ReactNode
  /** The deed in its own words, as `Cancel the job`. */
  readonly act: string
  readonly keep?: string
  readonly kind?: ButtonKind
  readonly busy: boolean
  readonly error: unknown
  readonly onConfirm: () => void
}

/** Asks before something that cannot be taken back. */
export function Confirm({
  open,
  onClose,
  title,
  children,
  act,
  keep = 'Leave it',
  kind = 'danger',
  busy,
  error,
  onConfirm,
}: ConfirmProps) {
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className={BACKDROP} />
        <AlertDialog.Popup className={POPUP}>
          <AlertDialog.Title className="text-lg font-semibold tracking-[-0.01em]">{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-2 text-sm text-soft" render={<div />}>
            {children}
          </AlertDialog.Description>
          {error !== null && error !== undefined && (
            <div className="mt-4">
              <Failure error={error} />
            </div>
          )}
          <div className="mt-5 flex flex-wrap justify-end gap-2">
            <AlertDialog.Close className={buttonClass('plain')}>{keep}</AlertDialog.Close>
            <Button kind={kind} busy={busy} onClick={onConfirm}>
              {act}
            </Button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}
