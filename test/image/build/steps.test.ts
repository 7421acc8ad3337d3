import { expect, test } from "vitest";
import { BuildSteps } from "../../../src/image/build/steps.ts";
import { VirtualClock } from "../../sim/clock.ts";

/** What mmdebstrap 1.3.5 --verbose printed, shortened. */
const printed = [
  "I: chroot architecture amd64 is equal to the host's architecture",
  "I: running apt-get update...",
  "Get:5 http://mirror.example/debian bookworm/main amd64 Packages [8790 kB]",
  "I: downloading packages with apt...",
  "0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.",
  "Get:1 http://mirror.example/debian bookworm/main amd64 gcc-12-base amd64 12.2.0-14+deb12u1 [37.6 kB]",
  "Get:2 http://mirror.example/debian bookworm/main amd64 libcap2 amd64 1:2.66-4+deb12u3+b1 [27.7 kB]",
  "I: extracting archives...",
  "Selecting previously unselected package libcap2:amd64.",
  "Unpacking libcap2:amd64 (1:2.66-4+deb12u3+b1) ...",
  "Setting up libcap2:amd64 (1:2.66-4+deb12u3+b1) ...",
  "Unpacking gcc-12-base:amd64 (12.2.0-14+deb12u1) ...",
  "Setting up gcc-12-base:amd64 (12.2.0-14+deb12u1) ...",
  "I: cleaning apt cache...",
];

test("what mmdebstrap prints is read as steps, items and counts", () => {
  const steps = new BuildSteps(new VirtualClock());
  const shown = printed.flatMap((line) => {
    if (!steps.read(line)) return [];
    const { step, item, done, total } = steps.current;
    return [`${step} ${item} ${done}/${total}`];
  });
  expect(shown).toEqual([
    "fetching package lists  0/0",
    "downloading  0/0",
    "downloading gcc-12-base 1/2",
    "downloading libcap2 2/2",
    "unpacking  0/2",
    "unpacking libcap2:amd64 1/2",
    "configuring libcap2:amd64 1/2",
    "unpacking gcc-12-base:amd64 2/2",
    "configuring gcc-12-base:amd64 2/2",
  ]);
});

test("times add up by step, however often a step comes back", () => {
  const clock = new VirtualClock();
  const steps = new BuildSteps(clock);
  clock.advance(1000);
  steps.read("Unpacking a (1) ...");
  clock.advance(2000);
  steps.read("Setting up a (1) ...");
  clock.advance(300);
  steps.read("Unpacking b (1) ...");
  clock.advance(2500);
  steps.begin("cleaning");
  clock.advance(100);
  expect(steps.times()).toEqual([
    { step: "fetching package lists", seconds: 1 },
    { step: "unpacking", seconds: 4.5 },
    { step: "configuring", seconds: 0.3 },
    { step: "cleaning", seconds: 0.1 },
  ]);
  expect(steps.current).toEqual({
    step: "cleaning",
    item: "",
    done: 0,
    total: 0,
    unit: "items",
    elapsedMs: 5900,
  });
});

/** What debootstrap 1.0.128 printed, shortened. */
test("so is what debootstrap prints", () => {
  const steps = new BuildSteps(new VirtualClock());
  const lines = [
    "I: Retrieving InRelease ",
    "I: Checking Release signature",
    "I: Retrieving Packages ",
    "I: Retrieving apt 2.6.1",
    "I: Extracting apt...",
    "I: Extracting base-files...",
    "I: Unpacking required packages...",
    "I: Unpacking libpam-modules:amd64...",
    "I: Configuring required packages...",
    "I: Configuring libc6:amd64...",
  ];
  const shown = lines.flatMap((line) =>
    steps.read(line) ? [`${steps.current.step} ${steps.current.item}`] : [],
  );
  expect(shown).toEqual([
    ...["fetching package lists ", "fetching package lists ", "downloading apt"],
    ...["unpacking apt", "unpacking base-files", "unpacking libpam-modules:amd64"],
    "configuring libc6:amd64",
  ]);
});

test("a step that counts for itself is shown as it says, with the time of the whole build", () => {
  const clock = new VirtualClock();
  const steps = new BuildSteps(clock);
  clock.advance(3000);
  steps.begin("sealing");
  const own = {
    step: "sealing",
    item: "",
    done: 5,
    total: 9,
    unit: "bytes",
    elapsedMs: 1,
  } as const;
  steps.show(own);
  expect(steps.current).toEqual({ ...own, elapsedMs: 3000 });
  steps.begin("writing to disk");
  expect(steps.current.unit).toBe("items");
});
