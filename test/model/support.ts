/** What the tests of the model share: a network on its own, tensors by name, relative errors. */

import { KernelInstance } from "../../src/kernels/instance.ts";
import { MemoryPlan } from "../../src/kernels/memory.ts";
import { finish, Tape } from "../../src/kernels/tape.ts";
import { TRAINING } from "../../src/kernels/training.ts";
import { configureModel, type ModelConfiguration, type ModelOptions } from "../../src/model/configuration.ts";
import type { SourceRanges } from "../../src/model/layers/layer.ts";
import { type Layout, layoutOf } from "../../src/model/layout.ts";
import { Network, type NetworkOptions } from "../../src/model/network.ts";

/** ‖found − expected‖ / ‖expected‖; where expected is zero, the norm of what was found. */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length)
    throw new Error(`${found.length} numbers, ${expected.length} expected`);
  let difference = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (found[i] - expected[i]) ** 2;
    size += expected[i] ** 2;
  }
  return Math.sqrt(size > 0 ? difference / size : difference);
}

/** The largest relative error of several tensors, with the name of the one that has it. */
export class Worst {
  error = 0;
  name = "";

  add(name: string, found: ArrayLike<number>, expected: ArrayLike<number>): void {
    const error = relativeError(found, expected);
    if (!(error <= this.error)) {
      this.error = error;
      this.name = name;
    }
  }

  toString(): string {
    return `${this.error.toExponential(1)} (${this.name})`;
  }
}

/** A network with weights, gradients and a carried state of its own; `more` plans what else is needed. */
export class Rig<T = undefined> {
  readonly model: ModelConfiguration;
  readonly layout: Layout;
  readonly plan: MemoryPlan;
  readonly tape: Tape;
  readonly network: Network;
  readonly theta: number;
  readonly gradient: number;
  readonly state: number;
  readonly more: T;

  constructor(
    options: ModelOptions & { vocabulary: number },
    network: Omit<NetworkOptions, "training">,
    more: (plan: MemoryPlan, layout: Layout) => T = () => undefined as T,
  ) {
    this.model = configureModel(options.vocabulary, options);
    this.layout = layoutOf(this.model);
    this.plan = new MemoryPlan(new KernelInstance(TRAINING));
    this.tape = new Tape(this.plan.instance);
    this.network = new Network(this.tape, this.plan, this.model, this.layout, { ...network, training: true });
    this.theta = this.plan.words(this.layout.length);
    this.gradient = this.plan.words(this.layout.length);
    this.state = this.plan.words(this.network.stateSize);
    this.more = more(this.plan, this.layout);
    this.plan.commit();
  }

  get k() {
    return this.plan.instance.exports;
  }

  /** View of a segment in the flat vector at `flat`. */
  segment(flat: number, name: string): Float32Array {
    const { offset, size } = this.layout.find(name);
    return this.plan.floats(flat + 4 * offset, size);
  }

  /** Forward, loss and backward of one window; the state after it is carried. @returns the mean nll */
  run(
    inputs: Int32Array,
    targets: Int32Array,
    steps: number,
    {
      theta = this.theta,
      gradient = this.gradient,
      separator = -1,
      carry = true,
      sources = undefined as SourceRanges | undefined,
    } = {},
  ): number {
    const { network } = this;
    network.setWindow(inputs, targets, steps, separator, sources);
    let total = 0;
    network.pack(theta);
    network.forward(theta, this.state);
    network.loss(theta, gradient, (nll) => {
      total = nll;
    });
    network.backward(gradient);
    if (carry) network.saveState(this.state);
    finish(this.tape.run());
    return total / (steps * network.shape.batch);
  }
}
