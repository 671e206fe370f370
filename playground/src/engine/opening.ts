/** @module Models from files, from the browser's store, and from the site. */
import { SviError, type WorkerLanguageModel } from "svi-lm/worker";
import { Refusal } from "../parts/notice.ts";
import { type Card, current, use } from "./current.ts";
import { engine } from "./engines.ts";

const MOST = 400_000_000;

/** A model that comes with the site. */
export interface Pretrained {
  readonly file: string;
  readonly size: number;
  readonly card: Card;
}

/** Takes a model's file into use. @throws SviError `E_FORMAT`, `E_VERSION`; Refusal */
export async function openModel(bytes: Blob, card: Partial<Card>, kept: string | null): Promise<void> {
  if (bytes.size > MOST)
    throw new Refusal(
      "The file is larger than any model that this page can hold",
      "Open a model of at most 400 MB",
    );
  const client = await engine("own");
  const model = await client.LanguageModel.load(bytes);
  const tokenizer = model.tokenizer.kind;
  use({
    model,
    kept,
    file: bytes,
    posterior: await hasPosterior(model),
    card: { name: "A model", text: "not known", heldOutBits: null, prompt: "", ...card, tokenizer },
  });
}

async function hasPosterior(model: WorkerLanguageModel): Promise<boolean> {
  try {
    await (await model.session({ samples: 1 })).dispose();
    return true;
  } catch (error) {
    if (error instanceof SviError && error.code === "E_OPTION") return false;
    throw error;
  }
}

/** Reads the model in use again, after its worker was lost. @throws what `openModel` does */
export async function revive(): Promise<void> {
  const lost = current.value;
  if (!lost) return;
  if (!lost.file) return use(null);
  const client = await engine("own");
  use({ ...lost, model: await client.LanguageModel.load(lost.file) });
}

/** The models that the site was built with; none where it was built without. */
export async function pretrained(): Promise<readonly Pretrained[]> {
  const response = await fetch("./models/index.json").catch(() => null);
  return response?.ok ? response.json() : [];
}

/** @throws Refusal */
export async function openPretrained({ file, card }: Pretrained): Promise<void> {
  const response = await fetch(`./models/${file}`).catch(() => null);
  if (!response?.ok) throw new Refusal("The model could not be loaded", "Connect, and try again");
  await openModel(await response.blob(), card, null);
}
