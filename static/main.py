from js import reportError

try:
    from rolltape.browser.main import main

    await main()
except Exception as error:
    reportError(error)  # PyScript would only log it; static/boot.js shows it
    raise
