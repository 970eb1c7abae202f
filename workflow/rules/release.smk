# Models to hand out.
# Needs: models/, folds/, scores. Makes: release.zip.
