/** @module The methods of inference, by the name that their descriptions have. */
import { SviError } from "../errors.ts";
import { shown } from "../options.ts";
import { ADAM } from "./adam.ts";
import { ADAMW } from "./adamw.ts";
import { BBB } from "./bbb.ts";
import type { Guide, GuideContext } from "./guide.ts";
import { IVON } from "./ivon/guide.ts";
import type { Common, MethodEntry } from "./method.ts";
import { SGD } from "./sgd.ts";

export const METHODS = { sgd: SGD, adam: ADAM, adamw: ADAMW, bbb: BBB, ivon: IVON };

export type MethodKind = keyof typeof METHODS;
type Described = { [K in MethodKind]: ReturnType<(typeof METHODS)[K]["describe"]> };
/** What a run of inference is asked to do: a plain description, which files and step records can hold. */
export type Method = Described[MethodKind];
/** The options of a method; what is not given has its default. */
export type MethodOptions<K extends MethodKind> = NonNullable<Parameters<(typeof METHODS)[K]["describe"]>[0]>;

/**
 * @throws SviError `E_OPTION` for what is not a method's description: a function that was not called, a name, an object
 *   that no such function made
 */
export function requireMethod(method: Method): Method {
  const kinds = Object.keys(METHODS) as MethodKind[];
  const given: unknown = method;
  const called = kinds.find((kind) => METHODS[kind].describe === given || kind === given);
  if (called)
    throw notAMethod(
      given,
      typeof given === "function" ? `${called}, not called` : `"${called}"`,
      `${called}()`,
    );
  if (typeof given !== "object" || given === null || !Object.hasOwn(METHODS, method.kind))
    throw notAMethod(given, shown(given), "ivon(), adam() or another method");
  const { kind } = method;
  const made = METHODS[kind].describe({ ...method } as never);
  const missing = Object.keys(made).filter((name) => !Object.hasOwn(method, name));
  if (missing.length > 0)
    throw notAMethod(given, `an object of kind "${kind}" without ${missing.join(", ")}`, `${kind}({ … })`);
  return method;
}

function notAMethod(value: unknown, what: string, instead: string): SviError {
  return new SviError("E_OPTION", `inference is ${what}`, {
    option: "inference",
    value: typeof value === "function" ? value.name : value,
    remedy: `Give ${instead}: what such a call returns`,
  });
}

export function entryOf({ kind }: Method): MethodEntry<Common<number | null>> {
  return METHODS[kind] as unknown as MethodEntry<Common<number | null>>;
}

/** Whether a run finds a posterior over the weights, which can be sampled. */
export function hasPosterior(method: Method): boolean {
  return entryOf(method).posterior && !(method.kind === "ivon" && method.noise === false);
}

export function guideOf(context: GuideContext, method: Method): Guide {
  return entryOf(method).guide(context, method);
}
