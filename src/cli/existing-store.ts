import { OpenError, realFileSystem } from '../../storage/index.ts'

/**
 * Rejects with OpenError: an open makes a store where there is none, and who repairs or backs up means one that is
 * there.
 */
export async function refuseNoStore(folder: string): Promise<void> {
  try {
    if ((await realFileSystem.list(folder)).includes('log')) return
  } catch (error) {
    throw new OpenError('not-a-store', `${folder} cannot be read`, { cause: error })
  }
  throw new OpenError('not-a-store', `${folder} holds no store`)
}
