/** @module The five pictures. */
import type { Evaluation } from "svi-lm/worker";
import { label, path, picture, shape } from "../../charts/svg.ts";
import { h } from "../../dom.ts";
import { visible } from "../../parts/figures.ts";
import type { Lesson, Weight } from "./lesson.ts";

/** Small, so that letters are readable where the picture is as wide as a phone. */
const [WIDTH, HEIGHT] = [420, 230];
const BOTTOM = HEIGHT - 26;

/** Each weight's distribution, as a bell at its mean. */
export function bells({ weights }: Lesson): Element {
  const reach = Math.max(...weights.map(({ mean, deviation }) => Math.abs(mean) + 2.5 * deviation));
  const x = (value: number) => WIDTH / 2 + (value / reach) * (WIDTH / 2 - 8);
  const highest = 1 / Math.min(...weights.map(({ deviation }) => deviation));
  const bell = ({ mean, deviation }: Weight, i: number) => {
    const points = Array.from({ length: 61 }, (_, k): [number, number] => {
      const z = (k - 30) / 10;
      return [
        x(mean + z * deviation),
        BOTTOM - ((BOTTOM - 12) * Math.exp((-z * z) / 2)) / (deviation * highest),
      ];
    });
    return path(points, { class: i % 2 === 0 ? "svi" : "svi faint" });
  };
  const zero = shape("line", { x1: x(0), x2: x(0), y1: BOTTOM, y2: BOTTOM + 6, class: "axis" });
  const ground = shape("line", { x1: 0, x2: WIDTH, y1: BOTTOM, y2: BOTTOM, class: "axis" });
  const said = `${weights.length} of the model's weights, each a bell: the surest has a standard deviation of ${Math.min(...weights.map((w) => w.deviation)).toFixed(3)}, the least sure ${Math.max(...weights.map((w) => w.deviation)).toFixed(3)}.`;
  return picture(
    WIDTH,
    HEIGHT,
    said,
    ground,
    zero,
    label(x(0), HEIGHT - 6, "0", { "text-anchor": "middle" }),
    label(WIDTH, HEIGHT - 6, "value of the weight", { "text-anchor": "end" }),
    label(0, 16, "density"),
    ...weights.map(bell),
  );
}

/** How wide the bells of a character are, by how often the text has it. */
export function narrowing({ letters }: Lesson): Element {
  const deviations = letters.map(({ deviation }) => deviation);
  const [widest, narrowest] = [Math.max(...deviations), Math.min(...deviations)];
  const [often, seldom] = [letters[0], letters[letters.length - 1]];
  const x = (count: number) =>
    56 + (Math.log(count / seldom.count) / Math.log(often.count / seldom.count)) * (WIDTH - 84);
  const y = (deviation: number) =>
    BOTTOM - 12 - ((deviation - narrowest) / (widest - narrowest)) * (BOTTOM - 40);
  const said = `“${visible(often.text)}” comes ${often.count} times and has an average deviation of ${often.deviation.toFixed(3)}; “${visible(seldom.text)}” comes ${seldom.count} times and has ${seldom.deviation.toFixed(3)}.`;
  return picture(
    WIDTH,
    HEIGHT,
    said,
    shape("line", { x1: 44, x2: WIDTH, y1: BOTTOM, y2: BOTTOM, class: "axis" }),
    ...letters.map(({ text, count, deviation }) =>
      label(x(count), y(deviation), visible(text), { "text-anchor": "middle", class: "letter" }),
    ),
    label(0, 16, "wide bells"),
    label(0, BOTTOM - 8, "narrow"),
    label(44, HEIGHT - 6, `${seldom.count} times in the text`),
    label(WIDTH, HEIGHT - 6, `${often.count.toLocaleString("en")} times`, { "text-anchor": "end" }),
  );
}

/** What each sample expects next. */
export function readers({ readers: rows, prompt }: Lesson): Element {
  return h(
    "div",
    { class: "wide", tabindex: 0, role: "group", "aria-label": "What each sample expects" },
    h(
      "table",
      { class: "readers" },
      h("caption", {}, "After “", h("b", {}, prompt), "”"),
      h(
        "tbody",
        {},
        rows.map((row, i) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, h("span", { class: "wide-only" }, "Sample "), i + 1),
            row.map(({ text, probability }) =>
              h(
                "td",
                { style: `--part: ${(probability * 100).toFixed(0)}%` },
                h("code", {}, visible(text)),
                ` ${(probability * 100).toFixed(0)} %`,
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

/** Sentences, from the familiar to the foreign. */
export function judgements({ sentences }: Lesson): Element {
  const most = Math.max(...sentences.map(({ doubt }) => doubt));
  const worst = Math.max(...sentences.map(({ surprise }) => surprise));
  const bar = (value: number, of: number, unit: string, kind: string) =>
    h("div", { class: `measure ${kind}`, style: `--part: ${((value / of) * 100).toFixed(0)}%` }, unit);
  return h(
    "div",
    { class: "judgements" },
    sentences.map(({ text, doubt, surprise }) =>
      h(
        "div",
        {},
        h("p", { class: "quoted" }, `“${text}”`),
        bar(surprise, worst, `surprised by ${surprise.toFixed(1)} bits a character`, "surprise"),
        bar(doubt, most, `samples disagree by ${doubt.toFixed(3)} bits`, "doubt"),
      ),
    ),
  );
}

/** How often each was right, by how sure it said it was. */
export function calibration({ svi, ml }: Lesson): Element {
  const size = HEIGHT - 34;
  const x = (value: number) => 40 + value * (WIDTH - 60);
  const y = (value: number) => 8 + (1 - value) * size;
  const line = ({ reliability }: Evaluation, kind: string) =>
    path(
      reliability
        .filter(({ tokens }) => tokens >= 20)
        .map(({ confidence, accuracy }): [number, number] => [x(confidence), y(accuracy)]),
      { class: kind },
    );
  const said = `Calibration error: SVI ${svi.ece.toFixed(3)}, maximum likelihood ${ml.ece.toFixed(3)}. The nearer a line is to the diagonal, the better.`;
  return picture(
    WIDTH,
    HEIGHT,
    said,
    shape("line", { x1: x(0), x2: x(1), y1: y(0), y2: y(1), class: "diagonal" }),
    shape("line", { x1: x(0), x2: x(1), y1: y(0), y2: y(0), class: "axis" }),
    line(ml, "ml thick"),
    line(svi, "svi thick"),
    label(x(0), HEIGHT - 6, "0 %", { "text-anchor": "middle" }),
    label(x(1), HEIGHT - 6, "100 % sure", { "text-anchor": "end" }),
    label(0, 16, "100 % right"),
    label(x(0.03), y(0.8), "SVI", { class: "name svi" }),
    label(x(0.03), y(0.68), "maximum likelihood", { class: "name ml" }),
  );
}
