from js import performance, reportError

performance.mark("rolltape-python")
try:
    from rolltape.browser.main import main

    performance.mark("rolltape-imported")
    await main()
except Exception as error:
    reportError(error)  # PyScript would only log it; static/boot.js shows it
    raise
