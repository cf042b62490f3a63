// Enrols with jscep: java -cp 'LIB/*' Enrol.java URL CHALLENGE COMMON_NAME > certificate.pem

import java.io.StringWriter;
import java.math.BigInteger;
import java.net.URL;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.util.Date;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.DERPrintableString;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;
import org.jscep.client.Client;
import org.jscep.client.EnrollmentResponse;
import org.jscep.client.verification.OptimisticCertificateVerifier;

public class Enrol {
    public static void main(String[] arguments) throws Exception {
        URL url = new URL(arguments[0]);
        String challenge = arguments[1];
        String commonName = arguments[2];
        X500Principal subject = new X500Principal("CN=" + commonName + ", O=Corp");

        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        KeyPair keys = generator.generateKeyPair();
        ContentSigner signer = new JcaContentSignerBuilder("SHA256withRSA").build(keys.getPrivate());

        long now = System.currentTimeMillis();
        X509Certificate identity = new JcaX509CertificateConverter().getCertificate(
            new JcaX509v3CertificateBuilder(subject, BigInteger.ONE, new Date(now - 60_000),
                new Date(now + 86_400_000), subject, keys.getPublic()).build(signer));

        ExtensionsGenerator extensions = new ExtensionsGenerator();
        extensions.addExtension(Extension.subjectAlternativeName, false,
            new GeneralNames(new GeneralName(GeneralName.dNSName, commonName + ".example.com")));
        JcaPKCS10CertificationRequestBuilder request =
            new JcaPKCS10CertificationRequestBuilder(subject, keys.getPublic());
        request.addAttribute(PKCSObjectIdentifiers.pkcs_9_at_challengePassword,
            new DERPrintableString(challenge));
        request.addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, extensions.generate());

        Client client = new Client(url, new OptimisticCertificateVerifier());
        EnrollmentResponse response =
            client.enrol(identity, keys.getPrivate(), request.build(signer));
        if (!response.isSuccess()) {
            System.err.println(response.isFailure() ? "FAILURE " + response.getFailInfo() : "PENDING");
            System.exit(1);
        }
        StringWriter pem = new StringWriter();
        try (JcaPEMWriter writer = new JcaPEMWriter(pem)) {
            writer.writeObject(response.getCertStore().getCertificates(null).iterator().next());
        }
        System.out.print(pem);
        System.exit(0);
    }
}
