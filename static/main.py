from rolltape.browser.main import main

await main()
