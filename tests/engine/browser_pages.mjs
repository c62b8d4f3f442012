// What a visitor sees, for browser_pages.sh: `node browser_pages.mjs PLAYWRIGHT URL FOLDER starting|stopped` prints a line for each thing that was looked at ("ok NAME" or
// "FAIL NAME :: WHAT WAS SEEN") and leaves screenshots in FOLDER.
import { createRequire } from "node:module";

const [, , playwright, url, folder, step] = process.argv;
const { chromium } = createRequire(import.meta.url)(playwright);

const said = [];
function check(name, good, seen) {
    said.push(good ? `ok ${name}` : `FAIL ${name} :: ${JSON.stringify(seen)}`);
}

// A page as a person opens it, and what the browser complained of meanwhile. A status beyond 399 is a complaint of its own kind.
async function open(browser, path, settings = {}) {
    const context = await browser.newContext(settings);
    const page = await context.newPage();
    const complaints = [];
    page.on("console", (m) => {
        if (!/Failed to load resource: the server responded with a status of/.test(m.text())) complaints.push(m.text());
    });
    page.on("pageerror", (e) => complaints.push(String(e)));
    const reply = await page.goto(url + path);
    return { page, reply, complaints, text: await page.innerText("body") };
}

const look = (page) =>
    page.evaluate(() => {
        const main = document.querySelector("main").getBoundingClientRect();
        const style = getComputedStyle(document.body);
        return {
            left: main.left, right: innerWidth - main.right, width: main.width, height: main.height,
            round: getComputedStyle(document.querySelector("main")).borderRadius,
            back: style.backgroundColor, ink: style.color,
            wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
        };
    });

// "rgb(1, 2, 3)": how bright, 0 to 255
const bright = (colour) => colour.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part) / 3, 0);

async function missing(browser) {
    const path = "/nobody/%3Cb%3Ehere";
    let { page, reply, complaints, text } = await open(browser, path, { colorScheme: "light" });
    check("an address that nobody has is not found", reply.status() === 404, reply.status());
    check("the title says so", (await page.title()) === "404: nothing answers here", await page.title());
    const head = await page.innerText("h1");
    check("the heading names the address", head.startsWith("Nothing answers at 127.0.0.1") && head.includes("/nobody/"), head);
    check("as text, not as markup", (await page.$$("h1 b")).length === 0, await page.innerHTML("h1"));
    check("it says what may be wrong", text.includes("No app on this server has a route that takes this address"), text);
    check("and how an app gets an address", (await page.innerText("pre")).includes("route: /blog"), text);
    check("the browser has no complaint", complaints.length === 0, complaints);
    let seen = await look(page);
    check("its style is taken", seen.round === "10px" && bright(seen.back) > 200 && bright(seen.ink) < 80, seen);
    check("it stands in the middle", Math.abs(seen.left - seen.right) < 2 && seen.left > 100, seen);
    await page.screenshot({ path: `${folder}/missing.png` });

    ({ page } = await open(browser, path, { colorScheme: "dark" }));
    seen = await look(page);
    check("dark for who wants it dark", bright(seen.back) < 60 && bright(seen.ink) > 180, seen);
    await page.screenshot({ path: `${folder}/missing-dark.png` });

    ({ page } = await open(browser, "/" + "a-long-name-without-a-break".repeat(6), { viewport: { width: 360, height: 740 } }));
    seen = await look(page);
    check("on a phone nothing is cut off", !seen.wide && seen.left >= 0 && seen.right >= 0, seen);
    await page.screenshot({ path: `${folder}/missing-phone.png` });
}

async function unavailable(browser, path, what) {
    const { page, reply, complaints, text } = await open(browser, path);
    check(`${what}: come back later, not never`, reply.status() === 503, reply.status());
    check(`${what}: in words`, text.includes("This app does not answer just now") && text.includes("Try again in a moment"), text);
    check(`${what}: and nothing of the app or of another`, !/welcome|there at last|Name: /.test(text), text);
    check(`${what}: its style is taken`, (await look(page)).round === "10px", text);
    check(`${what}: the browser has no complaint`, complaints.length === 0, complaints);
    await page.screenshot({ path: `${folder}/${what}.png` });
}

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--no-proxy-server"] });
try {
    if (step === "starting") {
        await missing(browser);
        await unavailable(browser, "/slow", "starting");
        const { text, reply } = await open(browser, "/shop");
        check("the app beside it is seen meanwhile", reply.status() === 200 && text.trim() === "welcome", text);
    } else {
        await unavailable(browser, "/shop", "stopped");
        const { text } = await open(browser, "/slow");
        check("the one that started is seen now", text.trim() === "there at last", text);
    }
} finally {
    await browser.close();
    console.log(said.join("\n"));
}
