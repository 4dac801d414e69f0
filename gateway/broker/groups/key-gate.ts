interface KeyState {
  shared: Set<Promise<unknown>>
  exclusive: Promise<unknown> | null
}

/**
 * Shared tasks of one key run side by side, an exclusive one alone: after all that came before it, before all that
 * come after. Tasks of different keys do not wait for each other.
 */
export class KeyGate {
  readonly #keys = new Map<string, KeyState>()

  share<T>(key: string, task: () => Promise<T>): Promise<T> {
    const state = this.#state(key)
    const mine = state.exclusive === null ? task() : state.exclusive.then(task, task)
    state.shared.add(mine)
    return this.#finish(key, state, mine)
  }

  exclude<T>(key: string, task: () => Promise<T>): Promise<T> {
    const state = this.#state(key)
    const before = [...state.shared]
    if (state.exclusive !== null) before.push(state.exclusive)
    const mine = before.length === 0 ? task() : Promise.allSettled(before).then(task)
    state.exclusive = mine
    return this.#finish(key, state, mine)
  }

  #state(key: string): KeyState {
    let state = this.#keys.get(key)
    if (state === undefined) {
      state = { shared: new Set(), exclusive: null }
      this.#keys.set(key, state)
    }
    return state
  }

  async #finish<T>(key: string, state: KeyState, mine: Promise<T>): Promise<T> {
    try {
      return await mine
    } finally {
      state.shared.delete(mine)
      if (state.exclusive === mine) state.exclusive = null
      // The last one leaves nothing behind.
      if (state.shared.size === 0 && state.exclusive === null) this.#keys.delete(key)
    }
  }
}
